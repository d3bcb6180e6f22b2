/**
 * A smaller input that fails in the same way: chunks are left out, halves first, then single bytes.
 */
import { createHash } from 'node:crypto';
import { faultOf } from './explore.ts';
import type { Surface } from './surface.ts';

/** The same kind of failure, whatever numbers and texts of the input the message quotes. */
export function signatureOf(error: Error): string {
  const place = /\((?:file:\/\/)?[^)]*\/((?:src|tests)\/[^)]*?):\d+:\d+\)/.exec(error.stack ?? '');
  const words = error.message.split('\n')[0]?.replaceAll(/\d+|(["'`]).*\1/g, '…') ?? '';
  return `${error.name} ${words.slice(0, 80)} ${place?.[1] ?? ''}`;
}

export async function minimized(
  surface: Surface,
  { bytes, error }: { bytes: Uint8Array; error: Error },
  tries = 4000,
): Promise<Uint8Array> {
  const signature = signatureOf(error);
  let left = tries;
  const fails = async (candidate: Uint8Array): Promise<boolean> => {
    left -= 1;
    const fault = await faultOf(surface, candidate);
    return fault !== undefined && signatureOf(fault) === signature;
  };
  return shortened(bytes, fails, () => left > 0);
}

export async function shortened(
  bytes: Uint8Array,
  stays: (candidate: Uint8Array) => Promise<boolean>,
  goesOn: () => boolean,
): Promise<Uint8Array> {
  let best = Buffer.from(bytes);
  for (let size = Math.ceil(best.length / 2); size >= 1; size = Math.floor(size / 2)) {
    for (let at = 0; at < best.length && goesOn(); ) {
      const candidate = Buffer.concat([best.subarray(0, at), best.subarray(at + size)]);
      if (await stays(candidate)) best = candidate;
      else at += size;
    }
  }
  return best;
}

/** Short, and the same wherever the bytes are. */
export function nameOf(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex').slice(0, 10);
}
