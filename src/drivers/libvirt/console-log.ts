/**
 * The end of a guest's serial console log, read as a volume of the pool: that needs no right on the
 * host but libvirt's own. Control characters are the reader's business; a guest may write anything.
 */
import { unlessAbsent } from './absent.ts';
import type { LibvirtCalls } from './calls.ts';
import type { StoragePool } from './pool.ts';

export async function readConsoleLog(
  calls: LibvirtCalls,
  pool: StoragePool,
  name: string,
  maxBytes: number,
  signal: AbortSignal,
): Promise<string> {
  await pool.open(signal);
  const log = await pool.findFresh(name, signal);
  if (log === undefined || log.fileBytes === 0) return '';
  const offset = Math.max(0, log.fileBytes - maxBytes);
  const chunks: Buffer[] = [];
  let left = log.fileBytes - offset;
  const read = async (): Promise<void> => {
    const options = { offset, length: left, signal };
    for await (const chunk of calls.volumes.download(pool.volume(name), options)) {
      chunks.push(chunk.subarray(0, left));
      left -= chunk.length;
      if (left <= 0) break;
    }
  };
  await unlessAbsent(read());
  return Buffer.concat(chunks).toString('utf8');
}
