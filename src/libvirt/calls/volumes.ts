// Typed calls on volumes, and the transfer of their bytes. Bytes go raw into the file: for a qcow2
// volume upload the qcow2 file itself. Nothing locks a volume on the daemon, not even an upload.

import type { Caller } from '../caller.ts';
import type { CallOptions } from '../pending-call.ts';
import type { FoundVolume, PoolHandle, VolumeHandle } from '../procedures/handle.ts';
import * as table from '../procedures/storage.ts';
import { download, type TransferOptions, upload } from '../transfer.ts';

export interface VolumeTransferOptions extends TransferOptions {
  readonly offset?: number;
  /**
   * 0, the default: no limit for an upload, to the end for a download. An upload whose source has
   * more ends with InvalidArgument.
   */
  readonly length?: number;
}

export class VolumeCalls {
  readonly #caller: Caller;

  constructor(caller: Caller) {
    this.#caller = caller;
  }

  list(pool: PoolHandle, options?: CallOptions): Promise<readonly FoundVolume[]> {
    return this.#caller.call(table.listAllVolumes, { pool, needResults: 1, flags: 0 }, options);
  }

  lookupByName(pool: PoolHandle, name: string, options?: CallOptions): Promise<FoundVolume> {
    return this.#caller.call(table.lookupVolumeByName, { pool, name }, options);
  }

  lookupByKey(key: string, options?: CallOptions): Promise<FoundVolume> {
    return this.#caller.call(table.lookupVolumeByKey, { key }, options);
  }

  lookupByPath(path: string, options?: CallOptions): Promise<FoundVolume> {
    return this.#caller.call(table.lookupVolumeByPath, { path }, options);
  }

  create(pool: PoolHandle, xml: string, flags = 0, options?: CallOptions): Promise<FoundVolume> {
    return this.#caller.call(table.createVolume, { pool, xml, flags }, options);
  }

  /** A full copy of another volume. */
  createFrom(
    pool: PoolHandle,
    xml: string,
    source: VolumeHandle,
    flags = 0,
    options?: CallOptions,
  ): Promise<FoundVolume> {
    return this.#caller.call(table.createVolumeFrom, { pool, xml, source, flags }, options);
  }

  /** Succeeds even while a running domain uses the volume. */
  delete(volume: VolumeHandle, flags = 0, options?: CallOptions): Promise<void> {
    return this.#caller.call(table.deleteVolume, { volume, flags }, options);
  }

  info(volume: VolumeHandle, options?: CallOptions) {
    return this.#caller.call(table.getVolumeInfo, { volume }, options);
  }

  path(volume: VolumeHandle, options?: CallOptions): Promise<string> {
    return this.#caller.call(table.getVolumePath, { volume }, options);
  }

  xml(volume: VolumeHandle, options?: CallOptions): Promise<string> {
    return this.#caller.call(table.getVolumeXml, { volume, flags: 0 }, options);
  }

  resize(
    volume: VolumeHandle,
    capacityBytes: number,
    flags = 0,
    options?: CallOptions,
  ): Promise<void> {
    return this.#caller.call(table.resizeVolume, { volume, capacityBytes, flags }, options);
  }

  /** Returns the bytes sent, once the daemon has confirmed that they are written. */
  async upload(
    volume: VolumeHandle,
    source: AsyncIterable<Uint8Array>,
    options: VolumeTransferOptions = {},
  ): Promise<number> {
    const { offset = 0, length = 0, signal } = options;
    const args = { volume, offset, length, flags: 0 };
    const stream = await this.#caller.openStream(table.uploadVolume, args, { signal });
    return upload(stream, source, { ...options, ...(length > 0 && { limit: length }) });
  }

  /** Stopping the iteration early aborts the transfer. A slow reader holds up the connection. */
  async *download(
    volume: VolumeHandle,
    options: VolumeTransferOptions = {},
  ): AsyncGenerator<Buffer, void, undefined> {
    const { offset = 0, length = 0, signal } = options;
    const args = { volume, offset, length, flags: 0 };
    const stream = await this.#caller.openStream(table.downloadVolume, args, { signal });
    yield* download(stream, options);
  }
}
