/** Field paths: as people read them, and as keys of a map. */

export type FieldPath = readonly (string | number)[];

/** `spec.workers[0].replicas`; a key that is no plain word is quoted. */
export function pathText(path: FieldPath): string {
  return path.reduce<string>((text, step) => {
    if (typeof step === 'number') return `${text}[${step}]`;
    if (!/^[A-Za-z_][A-Za-z0-9_-]*$/.test(step)) return `${text}[${JSON.stringify(step)}]`;
    return text === '' ? step : `${text}.${step}`;
  }, '');
}

/** Different paths have different keys, whatever the names in them. */
export function pathKey(path: FieldPath): string {
  return JSON.stringify(path);
}
