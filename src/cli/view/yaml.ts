/**
 * JSON values as block YAML, for `-o yaml`. Pure and one-way: reading YAML is the loader's work.
 * A string is left bare only where no YAML reader, 1.1 or 1.2, can take it for something else;
 * all others are written as JSON strings, which YAML reads the same.
 */

export function printYaml(value: unknown): string {
  // Through JSON, so that undefined fields and dates are treated as `-o json` treats them.
  const plain: unknown = JSON.parse(JSON.stringify(value ?? null));
  return `${block(plain, 0).join('\n')}\n`;
}

function block(value: unknown, depth: number): string[] {
  const indent = '  '.repeat(depth);
  if (Array.isArray(value) && value.length > 0) {
    return value.flatMap((item) => {
      const [first = '', ...rest] = block(item, depth + 1);
      return [`${indent}- ${first.trimStart()}`, ...rest];
    });
  }
  if (isRecord(value) && Object.keys(value).length > 0) {
    return Object.entries(value).flatMap(([key, item]) => {
      const label = `${indent}${scalar(key)}:`;
      if (isEmpty(item)) return [`${label} ${scalar(item)}`];
      // Lists stand at the depth of their key, as kubectl prints them.
      return [label, ...block(item, Array.isArray(item) ? depth : depth + 1)];
    });
  }
  return [`${indent}${scalar(value)}`];
}

/** Whether it fits behind its key. */
function isEmpty(value: unknown): boolean {
  if (Array.isArray(value)) return value.length === 0;
  return !isRecord(value) || Object.keys(value).length === 0;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

const bare = /^[A-Za-z_/.][A-Za-z0-9_./@+-]*( [A-Za-z0-9_./@+(-][A-Za-z0-9_./@+()-]*)*$/;
const reserved =
  /^(y|n|yes|no|on|off|true|false|null|nan|\.nan|\.inf|\.\d.*|\.+|[._\d]*e[-+]?\d+|\.[_.\d]*)$/i;

function scalar(value: unknown): string {
  if (Array.isArray(value)) return '[]';
  if (isRecord(value)) return '{}';
  if (typeof value !== 'string') return JSON.stringify(value);
  return bare.test(value) && !reserved.test(value) ? value : JSON.stringify(value);
}
