// Owns the page's line icons; all decorative: the button around one carries its name.
const PATHS = {
  play: 'M7 4.5v15l12-7.5z',
  pause: 'M8 5v14M16 5v14',
  next: 'M5 5l9 7-9 7zM18 5v14',
  previous: 'M19 5l-9 7 9 7zM6 5v14',
  repeat: 'M4 11V9a3 3 0 0 1 3-3h12m-3-3 3 3-3 3M20 13v2a3 3 0 0 1-3 3H5m3 3-3-3 3-3',
  shuffle:
    'M3 7h3c5 0 6 10 11 10h4m-3-3 3 3-3 3M3 17h3c1.700 0 2.900-1.200 4-2.800M13.500 9.500C14.500 8 15.600 7 17 7h4m-3-3 3 3-3 3',
  volume: 'M4 10v4h3l5 4V6l-5 4zM16 9a4 4 0 0 1 0 6M18.500 6.500a8 8 0 0 1 0 11',
  muted: 'M4 10v4h3l5 4V6l-5 4zM16 9.500l5 5M21 9.500l-5 5',
  up: 'M12 19V6M6 12l6-6 6 6',
  down: 'M12 5v13M6 12l6 6 6-6',
  plus: 'M12 5v14M5 12h14',
  close: 'M6 6l12 12M18 6 6 18',
  grip: 'M9 6h.01M15 6h.01M9 12h.01M15 12h.01M9 18h.01M15 18h.01',
  search: 'M10.500 4a6.500 6.500 0 1 1 0 13 6.500 6.500 0 0 1 0-13zM15.500 15.500 20 20',
  people:
    'M9 5a3.500 3.500 0 1 1 0 7 3.500 3.500 0 0 1 0-7zM3 20c0-3.600 2.600-5.500 6-5.500s6 1.900 6 5.500M16 5.500a3.200 3.200 0 0 1 0 6.200M17.500 14.800c2.200.600 3.500 2.300 3.500 5.200',
  chat: 'M4 5h16v11H10l-5 4v-4H4z',
  queue: 'M4 6h16M4 11h16M4 16h9M16 18l4-2.500-4-2.500z',
  now: 'M12 3v18M6 8v8M18 8v8',
  invite:
    'M10 14a4 4 0 0 0 5.700 0l3-3A4 4 0 0 0 13 5.300l-1 1M14 10a4 4 0 0 0-5.700 0l-3 3A4 4 0 0 0 11 18.700l1-1',
  settings: 'M4 7h9M17 7h3M4 17h3M11 17h9M15 5v4M9 15v4',
  leave: 'M14 4h5v16h-5M4 12h10M10 8l4 4-4 4',
  more: 'M6 12h.01M12 12h.01M18 12h.01',
  undo: 'M8 5 4 9l4 4M4 9h10a5.500 5.500 0 0 1 0 11h-4',
  copy: 'M9 9h10v11H9zM5 15V4h10',
  share: 'M12 15V4M8 7.500 12 3.500l4 4M5 12v8h14v-8',
  check: 'M5 12.500l4.500 4.500L19 7.500',
  send: 'M4 12 20 5l-5 15-3.500-6.500z',
  smile:
    'M12 3.500a8.500 8.500 0 1 1 0 17 8.500 8.500 0 0 1 0-17zM8.500 14c1.700 2.600 5.300 2.600 7 0M9 9.500h.01M15 9.500h.01',
} as const;

export type IconName = keyof typeof PATHS;

export function Icon({ name, solid = false }: { name: IconName; solid?: boolean }) {
  return (
    <svg class={solid ? 'icon solid' : 'icon'} viewBox="0 0 24 24" aria-hidden="true">
      <path d={PATHS[name]} />
    </svg>
  );
}
