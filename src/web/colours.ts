// Owns the colours that a person may choose for their mark; each has its own light and dark in the styles.

export const COLOURS = [
  'rose',
  'coral',
  'amber',
  'lime',
  'green',
  'teal',
  'sky',
  'blue',
  'indigo',
  'violet',
  'plum',
  'slate',
] as const;
