/** Finds secrets in what is written where others can read it, in each form that they may take. */

/** Shorter ones would be met by chance. */
const minBytes = 6;
/** So many letters of a long secret are enough: it may be cut, or folded into lines. */
const tellingLetters = 32;

export function secretsIn(
  place: string,
  value: unknown,
  secrets: ReadonlyMap<string, Uint8Array>,
): string[] {
  if (secrets.size === 0) return [];
  const text = textOf(value);
  return [...secrets]
    .filter(([, secret]) => formsOf(secret).some((form) => text.includes(form)))
    .map(([name]) => `secret ${name} stands in ${place}`);
}

/** Of secrets that are asked for again and again, at every effect. */
const known = new WeakMap<Uint8Array, string[]>();

function formsOf(secret: Uint8Array): string[] {
  const forms = known.get(secret) ?? formed(secret);
  known.set(secret, forms);
  return forms;
}

function formed(secret: Uint8Array): string[] {
  if (secret.length < minBytes) return [];
  const bytes = Buffer.from(secret);
  const plain = bytes.toString('latin1');
  const text = bytes.toString('utf8');
  return [
    bytes.toString('base64').replaceAll('=', ''),
    bytes.toString('base64url'),
    bytes.toString('hex'),
    plain,
    JSON.stringify(plain).slice(1, -1),
    ...(text.includes('\ufffd') ? [] : [text]),
  ].map((form) => form.slice(0, tellingLetters));
}

/** Such as a command in a guest, which is long and asked for often. */
function isFlat(value: unknown): value is object {
  return (
    typeof value === 'object' &&
    value !== null &&
    Object.values(value).every((item) => typeof item !== 'object')
  );
}

function textOf(value: unknown): string {
  if (typeof value === 'string') return value;
  if (isFlat(value)) return Object.values(value).join('\n');
  return JSON.stringify(value, (_, item: unknown) => {
    if (item instanceof Error) {
      const { message, stack, cause } = item;
      return { ...item, message, stack, cause };
    }
    return item instanceof Uint8Array ? Buffer.from(item).toString('base64') : item;
  });
}
