/**
 * The one error type of building and verifying images.
 * Callers test `code`; `facts` carries names and numbers, the origin is in `cause`.
 */

export type ImageErrorCode =
  | 'RECIPE_INVALID'
  | 'NOT_ROOT'
  | 'COMMAND_MISSING'
  | 'COMMAND_FAILED'
  | 'IMAGE_DAMAGED'
  | 'GUEST_UNREACHABLE'
  | 'NOT_REMOVED';

export class ImageError extends Error {
  override readonly name = 'ImageError';
  readonly code: ImageErrorCode;
  readonly facts: Readonly<Record<string, unknown>>;

  constructor(
    code: ImageErrorCode,
    message: string,
    facts: Readonly<Record<string, unknown>> = {},
    cause?: unknown,
  ) {
    super(message, cause === undefined ? undefined : { cause });
    this.code = code;
    this.facts = facts;
  }
}
