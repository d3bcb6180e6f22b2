/** Making and checking of guest images, and the cache of built ones, as `image …` calls it. */
import type { BenchHost } from '../crd/bench-host.ts';

export interface ImageProgress {
  stage: string;
  message?: string;
  /** 0 to 1 where it is known. */
  fraction?: number;
}

export interface BuiltImage {
  name: string;
  /** The BenchImage manifest that was written for it. */
  manifest: string;
  disk: string;
  sha256: string;
  bytes: number;
  /** It was there already and is what the recipe would make. */
  reused: boolean;
}

export interface ImageCheck {
  name: string;
  passed: boolean;
  detail: string;
}

/** A built image in the cache of this machine. */
export interface CachedImage {
  name: string;
  /** Of its disk. */
  sha256: string;
  dir: string;
  /** Absolute paths: disk, kernel, initrd. */
  files: string[];
  /** The names that its files have in a host's pool. */
  volumes: string[];
  /** Of its disk. */
  bytes: number;
  /** RFC 3339. */
  createdAt: string;
}

export interface ImageTools {
  build(
    options: { recipe: string; force: boolean },
    progress: (progress: ImageProgress) => void,
    signal: AbortSignal,
  ): Promise<BuiltImage>;
  /**
   * Boots the image on the host and checks its contract; every check is reported, also after a
   * failed one. Nothing of it remains on the host.
   */
  verify(
    name: string,
    host: BenchHost,
    progress: (progress: ImageProgress) => void,
    signal: AbortSignal,
  ): Promise<ImageCheck[]>;
  /** The cache, newest first. */
  cached(): Promise<CachedImage[]>;
  /** Removes it from the cache. */
  remove(image: CachedImage): Promise<void>;
}
