// Owns the talk of a room: what was written, newest below, older on scrolling up; and the field to write in.
import { useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks';
import type { ChatItem, ChatMessage } from '../../../protocol/schemas/pushes.ts';
import { MAX_CHAT_LENGTH } from '../limits.ts';
import { Icon } from './icons.tsx';
import { useRoom } from './room-context.ts';

const NEAR_PX = 60;

/** Messages in order; those that were taken back stay as a gap in the talk. */
function readable(items: readonly ChatItem[]): ChatMessage[] {
  const gone = new Set(items.flatMap((item) => (item.kind === 'deletion' ? [item.target] : [])));
  return items.flatMap((item) =>
    item.kind === 'message'
      ? [gone.has(item.seq) ? { ...item, deleted: true, text: '' } : item]
      : [],
  );
}

function Message({ message, follows }: { message: ChatMessage; follows: boolean }) {
  const model = useRoom();
  const mine = message.userId === model.me;
  const mayDelete = message.deleted !== true && (mine || model.rights.value.host);
  return (
    <li class={`message${mine ? ' mine' : ''}${follows ? ' follows' : ''}`}>
      {!follows && <span class="message-by">{mine ? 'You' : message.name}</span>}
      <span class="message-line">
        {message.deleted === true ? (
          <em class="quiet">taken back</em>
        ) : (
          <span class="message-text">{message.text}</span>
        )}
        {mayDelete && (
          <button
            type="button"
            class="icon-button small message-delete"
            aria-label={`Delete message: ${message.text.slice(0, 40)}`}
            onClick={() => model.run(() => model.room.deleteChat(message.seq))}
          >
            <Icon name="close" />
          </button>
        )}
      </span>
    </li>
  );
}

function ChatForm() {
  const model = useRoom();
  const [text, setText] = useState('');
  const send = (): void => {
    const trimmed = text.trim();
    if (trimmed === '') return;
    setText('');
    model.run(async () => {
      try {
        await model.room.chat(trimmed);
      } catch (error) {
        // What was written is not lost with the connection.
        setText((now) => (now === '' ? trimmed : now));
        throw error;
      }
    });
  };
  if (!model.rights.value.chat) return <p class="empty-note">Only some may write here.</p>;
  return (
    <form
      class="chat-form"
      onSubmit={(event) => {
        event.preventDefault();
        send();
      }}
    >
      <input
        type="text"
        aria-label="Write a message"
        placeholder="Say something"
        maxLength={MAX_CHAT_LENGTH}
        autocomplete="off"
        value={text}
        onInput={(event) => setText(event.currentTarget.value)}
      />
      <button type="submit" class="icon-button" aria-label="Send" disabled={text.trim() === ''}>
        <Icon name="send" />
      </button>
    </form>
  );
}

export function ChatPanel() {
  const model = useRoom();
  const { items, hasOlder } = model.view.value.chat;
  const messages = readable(items);
  const log = useRef<HTMLDivElement>(null);
  const loading = useRef(false);
  const atEnd = useRef(true);
  const heightBefore = useRef<number>(undefined);

  useLayoutEffect(() => {
    const element = log.current;
    if (element === null) return;
    if (heightBefore.current !== undefined) {
      // Older messages came in above: what was being read stays where it is.
      element.scrollTop += element.scrollHeight - heightBefore.current;
      heightBefore.current = undefined;
    } else if (atEnd.current) element.scrollTop = element.scrollHeight;
  }, [items]);
  // A hidden tab has no height: go to the end when it gets one.
  useEffect(() => {
    const element = log.current;
    if (element === null) return undefined;
    const watcher = new ResizeObserver(() => {
      if (atEnd.current) element.scrollTop = element.scrollHeight;
    });
    watcher.observe(element);
    return () => watcher.disconnect();
  }, []);

  const older = async (): Promise<void> => {
    if (loading.current) return;
    loading.current = true;
    heightBefore.current = log.current?.scrollHeight;
    try {
      await model.room.olderChat();
    } finally {
      loading.current = false;
    }
  };
  const onScroll = (): void => {
    const element = log.current;
    if (element === null || element.clientHeight === 0) return;
    atEnd.current = element.scrollHeight - element.scrollTop - element.clientHeight < NEAR_PX;
    if (element.scrollTop < NEAR_PX && hasOlder && !atEnd.current) model.run(older);
  };

  return (
    <section class="panel chat" aria-labelledby="chat-title">
      <header class="panel-head">
        <h2 id="chat-title">Chat</h2>
      </header>
      <div
        ref={log}
        class="scroll chat-log"
        role="log"
        aria-label="Messages"
        tabIndex={0}
        onScroll={onScroll}
      >
        {hasOlder && (
          <button
            type="button"
            class="button compact quiet-button"
            onClick={() => model.run(older)}
          >
            Older messages
          </button>
        )}
        {messages.length === 0 && <p class="empty-note">Nothing said yet.</p>}
        <ul>
          {messages.map((message, i) => (
            <Message
              key={message.seq}
              message={message}
              follows={messages[i - 1]?.userId === message.userId}
            />
          ))}
        </ul>
      </div>
      <ChatForm />
    </section>
  );
}
