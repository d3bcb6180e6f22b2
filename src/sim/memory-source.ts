/**
 * A source of manifests that a test edits: objects, faults, and whether it can be trusted.
 * Each edit is seen at once and signalled, as a real source does after its own settling.
 */
import type { ManifestSource, SourceSnapshot } from '../controllers/ports.ts';
import type { Fault } from '../crd/fault.ts';
import type { Manifest } from '../crd/manifest.ts';
import { copyOf } from './copy.ts';

export type AnyObject = Manifest['object'];

/** What people do to manifests, whatever holds them. */
export interface EditedSource extends ManifestSource {
  put(object: AnyObject, settled?: boolean): void;
  remove(object: AnyObject): void;
  breakFile(object: AnyObject, fault: Fault): void;
  mend(): void;
  distrust(reason: string): void;
}

export class MemorySource implements EditedSource {
  readonly #manifests = new Map<string, Manifest>();
  readonly #listeners = new Set<() => void>();
  #faults: Fault[] = [];
  #untrusted: string | undefined;

  put(object: AnyObject, settled = true): void {
    const key = keyOf(object);
    this.#manifests.set(key, manifestOf(object, settled));
    this.#emit();
  }

  remove(object: AnyObject): void {
    this.#manifests.delete(keyOf(object));
    this.#emit();
  }

  /** The file cannot be read as an object any more: it is a fault and defines nothing. */
  breakFile(object: AnyObject, fault: Fault): void {
    this.#manifests.delete(keyOf(object));
    this.#faults = [...this.#faults, fault];
    this.#emit();
  }

  /** All faults are gone; what they stood for is put again by the test. */
  mend(): void {
    this.#faults = [];
    this.#untrusted = undefined;
    this.#emit();
  }

  /** The whole source is gone or empty. */
  distrust(reason: string): void {
    this.#manifests.clear();
    this.#untrusted = reason;
    this.#emit();
  }

  snapshot(): SourceSnapshot {
    return {
      trusted: this.#untrusted === undefined,
      ...(this.#untrusted !== undefined && { reason: this.#untrusted }),
      manifests: copyOf([...this.#manifests.values()]),
      faults: [...this.#faults],
    };
  }

  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  async close(): Promise<void> {
    this.#listeners.clear();
  }

  #emit(): void {
    for (const listener of this.#listeners) listener();
  }
}

export function manifestOf(object: AnyObject, settled = true): Manifest {
  const origin = { file: `${object.metadata.name}.yaml`, line: 1, settled };
  switch (object.kind) {
    case 'BenchCluster':
      return { kind: object.kind, object, origin };
    case 'BenchHost':
      return { kind: object.kind, object, origin };
    case 'BenchImage':
      return { kind: object.kind, object, origin };
  }
}

function keyOf({ kind, metadata }: AnyObject): string {
  return `${kind}/${metadata.namespace}/${metadata.name}`;
}
