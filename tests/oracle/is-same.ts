const none: ReadonlySet<string> = new Set();

/**
 * Whether two plain values say the same, whatever stands under the names of `besides`; several
 * times faster than by their text. Like in a text, a member that is undefined is none.
 */
export function isSame(a: unknown, b: unknown, besides = none): boolean {
  if (a === b) return true;
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return false;
  if (Array.isArray(a)) {
    if (!Array.isArray(b) || a.length !== b.length) return false;
    for (let at = 0; at < a.length; at += 1) if (!isSame(a[at], b[at], besides)) return false;
    return true;
  }
  const [one, other] = [a as Record<string, unknown>, b as Record<string, unknown>];
  for (const key in one) {
    if (!isSame(one[key], other[key], besides) && !besides.has(key)) return false;
  }
  for (const key in other) {
    if (other[key] !== undefined && one[key] === undefined && !besides.has(key)) return false;
  }
  return true;
}
