/**
 * Names, UUIDs and amounts, worked out anew from what the documents say, so that an error in the
 * controller's own derivation shows as a difference.
 */
import { createHash } from 'node:crypto';

/** Asked for again and again, at every look at a world. */
const known = new Map<string, string>();

/** RFC 4122, version 5. */
export function nameUuid(namespace: string, name: string): string {
  const key = `${namespace} ${name}`;
  const uuid = known.get(key) ?? hashed(namespace, name);
  known.set(key, uuid);
  return uuid;
}

function hashed(namespace: string, name: string): string {
  const digest = createHash('sha1');
  digest.update(Buffer.from(namespace.split('-').join(''), 'hex'));
  digest.update(Buffer.from(name, 'utf8'));
  const hex = digest.digest('hex').slice(0, 32).split('');
  hex[12] = '5';
  hex[16] = ((Number.parseInt(hex[16] ?? '0', 16) & 0b0011) | 0b1000).toString(16);
  const text = hex.join('');
  return text.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
}

export function uidOfCluster(installation: string, cluster: string): string {
  return nameUuid(installation, `cluster/${cluster}`);
}

/** `cluster` is `namespace/name`. */
export function uuidOfNode(installation: string, cluster: string, node: string): string {
  return nameUuid(uidOfCluster(installation, cluster), `node/${node}`);
}

export function diskOfNode(node: string, uuid: string): string {
  return `${node}-${uuid.split('-')[0]}.qcow2`;
}

/** What an upload of that installation writes to until it is whole. */
export function partOfImage(image: string, installation: string): string {
  return `${image}.${installation.split('-')[0]}.part`;
}

/** The image, and whose upload it is of, as far as a name tells. */
export function partNamed(volume: string): { image: string; by: string } | undefined {
  const [, image, by] = /^(.+)\.([0-9a-f]{8})\.part$/.exec(volume) ?? [];
  return image === undefined || by === undefined ? undefined : { image, by };
}

export function nodeName(cluster: string, pool: string, index: number): string {
  return [cluster, pool, index].join('-');
}

const units: readonly (readonly [string, number])[] = [
  ['Ki', 1024],
  ['Mi', 1024 ** 2],
  ['Gi', 1024 ** 3],
  ['Ti', 1024 ** 4],
  ['k', 1000],
  ['M', 1000 ** 2],
  ['G', 1000 ** 3],
  ['T', 1000 ** 4],
];

/** Bytes of `2Gi`, `512M`, `1.5Ti` or `100`. */
export function bytes(text: string): number {
  const [suffix, factor] = units.find(([unit]) => text.endsWith(unit)) ?? ['', 1];
  return Math.floor(Number(text.slice(0, text.length - suffix.length)) * factor);
}

const durationUnits = { h: 3_600_000, m: 60_000, s: 1000, ms: 1 };

/** Milliseconds of `1h30m`, `90s` or `250ms`. */
export function milliseconds(text: string): number {
  let sum = 0;
  for (const [, count, unit] of text.matchAll(/(\d+)(ms|h|m|s)/g)) {
    sum += Number(count) * durationUnits[unit as keyof typeof durationUnits];
  }
  return sum;
}
