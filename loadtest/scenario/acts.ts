// Owns the names of what a listener of a room can do.

export const ACTS = ['play', 'pause', 'seek', 'skip', 'queue', 'vote', 'chat', 'reaction'] as const;
export type Act = (typeof ACTS)[number];
/** Those that end in a revision of the room. */
export const COMMANDS: readonly Act[] = ['play', 'pause', 'seek', 'skip', 'queue', 'vote'];
