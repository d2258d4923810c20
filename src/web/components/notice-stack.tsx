// Owns the notes at the page's edge, spoken politely as they come.
import type { Notices } from '../notices.ts';
import { Icon } from './icons.tsx';

export function NoticeStack({ notices }: { notices: Notices }) {
  return (
    <div class="notices" role="status" aria-live="polite">
      {notices.shown.value.map((notice) => (
        <div key={notice.id} class={`notice ${notice.tone}`}>
          <span>{notice.text}</span>
          {notice.action && (
            <button
              type="button"
              class="link-button"
              onClick={() => {
                notice.action?.run();
                notices.dismiss(notice.id);
              }}
            >
              {notice.action.label}
            </button>
          )}
          <button
            type="button"
            class="icon-button small"
            aria-label={`Dismiss: ${notice.text}`}
            onClick={() => notices.dismiss(notice.id)}
          >
            <Icon name="close" />
          </button>
        </div>
      ))}
    </div>
  );
}
