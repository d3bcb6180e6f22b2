// Typed calls on storage pools.

import type { Caller } from '../caller.ts';
import type { CallOptions } from '../pending-call.ts';
import type { PoolHandle } from '../procedures/handle.ts';
import * as table from '../procedures/storage.ts';

export class PoolCalls {
  readonly #caller: Caller;

  constructor(caller: Caller) {
    this.#caller = caller;
  }

  list(flags = 0, options?: CallOptions): Promise<readonly PoolHandle[]> {
    return this.#caller.call(table.listAllPools, { needResults: 1, flags }, options);
  }

  lookupByName(name: string, options?: CallOptions): Promise<PoolHandle> {
    return this.#caller.call(table.lookupPoolByName, { name }, options);
  }

  lookupByUuid(uuid: string, options?: CallOptions): Promise<PoolHandle> {
    return this.#caller.call(table.lookupPoolByUuid, { uuid }, options);
  }

  lookupByTargetPath(path: string, options?: CallOptions): Promise<PoolHandle> {
    return this.#caller.call(table.lookupPoolByTargetPath, { path }, options);
  }

  /** Repeatable only when the XML names the uuid. */
  define(xml: string, options?: CallOptions): Promise<PoolHandle> {
    return this.#caller.call(table.definePool, { xml, flags: 0 }, options);
  }

  /** Starts a transient pool. */
  createXml(xml: string, flags = 0, options?: CallOptions): Promise<PoolHandle> {
    return this.#caller.call(table.createPoolXml, { xml, flags }, options);
  }

  build(pool: PoolHandle, flags = 0, options?: CallOptions): Promise<void> {
    return this.#caller.call(table.buildPool, { pool, flags }, options);
  }

  create(pool: PoolHandle, flags = 0, options?: CallOptions): Promise<void> {
    return this.#caller.call(table.createPool, { pool, flags }, options);
  }

  /** Scans the directory; files that others put there are unknown before. */
  refresh(pool: PoolHandle, options?: CallOptions): Promise<void> {
    return this.#caller.call(table.refreshPool, { pool, flags: 0 }, options);
  }

  /** Stops the pool; the data stays. */
  destroy(pool: PoolHandle, options?: CallOptions): Promise<void> {
    return this.#caller.call(table.destroyPool, { pool }, options);
  }

  /** Removes the directory of a stopped pool, which must be empty. */
  delete(pool: PoolHandle, options?: CallOptions): Promise<void> {
    return this.#caller.call(table.deletePool, { pool, flags: 0 }, options);
  }

  undefine(pool: PoolHandle, options?: CallOptions): Promise<void> {
    return this.#caller.call(table.undefinePool, { pool }, options);
  }

  info(pool: PoolHandle, options?: CallOptions) {
    return this.#caller.call(table.getPoolInfo, { pool }, options);
  }

  xml(pool: PoolHandle, flags = 0, options?: CallOptions): Promise<string> {
    return this.#caller.call(table.getPoolXml, { pool, flags }, options);
  }

  isActive(pool: PoolHandle, options?: CallOptions): Promise<boolean> {
    return this.#caller.call(table.isPoolActive, { pool }, options);
  }

  isPersistent(pool: PoolHandle, options?: CallOptions): Promise<boolean> {
    return this.#caller.call(table.isPoolPersistent, { pool }, options);
  }

  autostart(pool: PoolHandle, options?: CallOptions): Promise<boolean> {
    return this.#caller.call(table.getPoolAutostart, { pool }, options);
  }

  setAutostart(pool: PoolHandle, autostart: boolean, options?: CallOptions): Promise<void> {
    return this.#caller.call(table.setPoolAutostart, { pool, autostart }, options);
  }
}
