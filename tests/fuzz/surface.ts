/** A place where bytes of others enter the program, as the fuzzer sees it. */

export interface Surface {
  readonly name: string;
  /** What must hold for every input, in one sentence. */
  readonly property: string;
  /** Paths in `src/` (files, or folders ending in "/") whose coverage leads the search. */
  readonly covers: readonly string[];
  /** Words of its language, for the mutator. */
  readonly tokens: readonly string[];
  readonly maxBytes: number;
  /** Longer than this, every time it is tried, is a failure. */
  readonly limitMs: number;
  /** Good and bad inputs to begin with, from the fixtures of other tests. */
  seeds(): Uint8Array[];
  /** Throws when the property does not hold. */
  check(bytes: Uint8Array): void | Promise<void>;
}

/** An input is text in most languages; what is no UTF-8 is what a decoder makes of it. */
export function textOf(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8');
}

export function bytesOf(text: string): Uint8Array {
  return Buffer.from(text, 'utf8');
}

/** What `read` gives; undefined when it throws as it may, and the error itself otherwise. */
export function valueOr<T>(read: () => T, isTyped: (error: unknown) => boolean): T | undefined {
  try {
    return read();
  } catch (error) {
    if (isTyped(error)) return undefined;
    throw error;
  }
}
