// What a run consisted of, in numbers: how much was done and shown, without which a sound history proves nothing.
import type { Actor } from './actor.ts';
import { takenBack } from './check-sights.ts';
import type { History } from './history.ts';

export function countsOf(history: History, actors: readonly Actor[]): Record<string, number> {
  const { commands, clients, logs, chats } = history;
  const count = (kind: string): number =>
    commands.filter(({ outcome }) => outcome.kind === kind).length;
  const sights = clients.flatMap((client) => client.sights);
  const whole = logs.filter(({ isWhole }) => isWhole);
  const epochs = new Set(
    whole.flatMap(({ roomId, events }) => events.map(({ epoch }) => `${roomId} ${epoch}`)),
  );
  return {
    commands: commands.length,
    acknowledged: count('ok'),
    refused: count('refused'),
    unknown: count('unknown'),
    'sent again': commands.filter(({ tries }) => tries > 1).length,
    'marked commands': commands.filter(({ mark }) => mark !== undefined).length,
    'revisions shown': sights.filter(({ kind }) => kind === 'revision').length,
    'states shown whole': sights.filter(({ kind }) => kind === 'whole').length,
    'resumed joins': sights.filter(({ kind }) => kind === 'resumed').length,
    'events logged': whole.reduce((sum, { events }) => sum + events.length, 0),
    'epochs with events': epochs.size,
    'shown and taken back by a new epoch': takenBack(history),
    'chat items': chats.find(({ who }) => who === 'Postgres')?.items.length ?? 0,
    connections: actors.reduce((sum, { book }) => sum + book.connections, 0),
  };
}
