/**
 * The files of images on the machine of a controller: what the manifests name them by, unless
 * somebody has put another one in a place, of the same size.
 */
import type { ManifestSource } from '../../src/controllers/ports.ts';

export class ImageFiles {
  readonly #source: Pick<ManifestSource, 'snapshot'>;
  /** Digests by path; a file stays when its manifest goes. */
  readonly #written = new Map<string, string>();
  readonly #replaced = new Map<string, string>();

  constructor(source: Pick<ManifestSource, 'snapshot' | 'onChange'>) {
    this.#source = source;
    source.onChange(() => this.#look());
  }

  at(path: string): { sha256: string } | undefined {
    const sha256 = this.#replaced.get(path) ?? this.#written.get(path);
    return sha256 === undefined ? undefined : { sha256 };
  }

  replace(path: string, sha256: string): void {
    this.#replaced.set(path, sha256);
  }

  /** All are what their manifests say. */
  mend(): void {
    this.#replaced.clear();
  }

  #look(): void {
    for (const { kind, object } of this.#source.snapshot().manifests) {
      if (kind !== 'BenchImage') continue;
      const { source, boot } = object.spec;
      for (const file of [source, boot?.kernel, boot?.initrd]) {
        if (file) this.#written.set(file.path, file.sha256);
      }
    }
  }
}
