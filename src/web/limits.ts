// Owns the limits that fields of the page show; the hub checks them all again.

export const MAX_NAME_LENGTH = 64;
export const MAX_CHAT_LENGTH = 500;
