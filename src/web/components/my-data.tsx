// Owns taking along all that the hub holds of oneself, and having it forgotten.
import { useRef, useState } from 'preact/hooks';
import type { ImportProgress } from '../page-people.ts';
import { importedLabel } from '../people-wording.ts';
import { countLabel } from '../wording.ts';
import { Dialog } from './dialog.tsx';
import { useSession } from './session-context.ts';

/** Hands `blob` to the browser as a file. */
function save(blob: Blob, name: string): void {
  const url = URL.createObjectURL(blob);
  const anchor = document.createElement('a');
  anchor.href = url;
  anchor.download = name;
  anchor.click();
  URL.revokeObjectURL(url);
}

function EraseDialog({ onClose }: { onClose: () => void }) {
  const session = useSession();
  const { social, guest } = session;
  const [typed, setTyped] = useState('');
  const [isAsking, setIsAsking] = useState(false);
  const name = guest.name ?? '';
  const erase = async (): Promise<void> => {
    setIsAsking(true);
    try {
      const { userId } = await social.call(() => social.friends.profile());
      await social.listening.erase(userId);
      session.notices.show('event', 'All that was yours here is gone.');
      session.signOut();
    } catch (error) {
      setIsAsking(false);
      session.notices.show('problem', social.refusalOf(error));
    }
  };
  return (
    <Dialog title="Erase everything?" onClose={onClose}>
      <form
        class="settings"
        onSubmit={(event) => {
          event.preventDefault();
          if (typed.trim() === name) void erase();
        }}
      >
        <p>
          Your friends, your history, what you wrote and who you are: all of it is forgotten, on all
          your devices. Nothing brings it back.
        </p>
        <label class="field">
          <span class="field-label">Type your name, {name}, to go on</span>
          <input
            type="text"
            autocomplete="off"
            value={typed}
            onInput={(event) => setTyped(event.currentTarget.value)}
          />
        </label>
        <div class="button-row end">
          <button type="button" class="button" onClick={onClose}>
            Cancel
          </button>
          <button
            type="submit"
            class="button danger"
            disabled={isAsking || name === '' || typed.trim() !== name}
          >
            Erase everything
          </button>
        </div>
      </form>
    </Dialog>
  );
}

export function MyData() {
  const { social } = useSession();
  const [isErasing, setIsErasing] = useState(false);
  const [isBusy, setIsBusy] = useState(false);
  const [progress, setProgress] = useState<ImportProgress>();
  const file = useRef<HTMLInputElement>(null);
  const during = (work: () => Promise<void>): void =>
    social.run(async () => {
      setIsBusy(true);
      try {
        await work();
      } finally {
        setIsBusy(false);
      }
    });
  const take = (): void =>
    during(async () => {
      save(await social.call(() => social.listening.exportData()), 'earshot.json');
    });
  const takeListens = (): void =>
    during(async () => {
      save(await social.call(() => social.listening.exportListens()), 'listens.json');
    });
  const bring = (chosen: File | undefined): void => {
    if (chosen === undefined) return;
    during(async () => {
      const text = await chosen.text();
      try {
        const done = await social.call(() => social.listening.importListens(text, setProgress));
        social.notices.show('event', importedLabel(done));
      } finally {
        setProgress(undefined);
      }
    });
  };
  return (
    <section class="part" aria-labelledby="data-title">
      <h3 id="data-title">All that is mine</h3>
      <p class="quiet">One file with everything that this hub holds of you.</p>
      <div class="button-row">
        <button type="button" class="button" disabled={isBusy} onClick={take}>
          {isBusy ? 'A moment…' : 'Take it along'}
        </button>
        <button type="button" class="button danger" onClick={() => setIsErasing(true)}>
          Erase everything…
        </button>
      </div>
      <h3>Listens from elsewhere</h3>
      <p class="quiet">
        Files as ListenBrainz writes and reads them. The same listen twice is one.
      </p>
      <div class="button-row">
        <input
          ref={file}
          type="file"
          accept=".json,.jsonl,application/json"
          hidden
          aria-label="A file of listens"
          onChange={(event) => bring(event.currentTarget.files?.[0])}
        />
        <button
          type="button"
          class="button"
          disabled={isBusy}
          onClick={() => file.current?.click()}
        >
          Bring listens…
        </button>
        <button type="button" class="button" disabled={isBusy} onClick={takeListens}>
          Take listens along
        </button>
      </div>
      <p class="quiet" role="status">
        {progress !== undefined && `${progress.done} of ${countLabel(progress.of, 'listen')}…`}
      </p>
      {isErasing && <EraseDialog onClose={() => setIsErasing(false)} />}
    </section>
  );
}
