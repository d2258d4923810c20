// Owns what this browser remembers between visits; must not know what it is used for. Private windows may refuse: then nothing is kept.

export function remember(key: string, value: unknown): void {
  try {
    localStorage.setItem(`earshot.${key}`, JSON.stringify(value));
  } catch (error) {
    // Full, or storage is off: the page works without, it only asks again.
    if (!(error instanceof DOMException)) throw error;
  }
}

export function recall(key: string): unknown {
  try {
    return JSON.parse(localStorage.getItem(`earshot.${key}`) ?? 'null') as unknown;
  } catch (error) {
    if (error instanceof DOMException || error instanceof SyntaxError) return null;
    throw error;
  }
}

export function forget(key: string): void {
  try {
    localStorage.removeItem(`earshot.${key}`);
  } catch (error) {
    if (!(error instanceof DOMException)) throw error;
  }
}
