/** Turns whatever was thrown into an Error with a message. */
export function toError(thrown: unknown): Error {
  return thrown instanceof Error ? thrown : new Error(String(thrown));
}

/** The `code` of a system error, such as ENOENT. */
export function codeOf(thrown: unknown): string {
  const code: unknown = thrown instanceof Error && 'code' in thrown ? thrown.code : undefined;
  return typeof code === 'string' ? code : 'unknown error';
}

export function hasCode(thrown: unknown, code: string): boolean {
  return codeOf(thrown) === code;
}
