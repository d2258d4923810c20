// Owns the question before something that cannot simply be taken back.
import { Dialog } from './dialog.tsx';

export interface ConfirmDialogProps {
  readonly title: string;
  readonly text: string;
  readonly action: string;
  readonly run: () => void;
  readonly onClose: () => void;
}

export function ConfirmDialog({ title, text, action, run, onClose }: ConfirmDialogProps) {
  return (
    <Dialog title={title} onClose={onClose}>
      <p>{text}</p>
      <div class="button-row end">
        <button type="button" class="button" onClick={onClose}>
          Cancel
        </button>
        <button
          type="button"
          class="button danger"
          onClick={() => {
            onClose();
            run();
          }}
        >
          {action}
        </button>
      </div>
    </Dialog>
  );
}
