/** Making, checking and tidying of guest images, as `image …` calls it. */

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

/** A volume of ours in a host's pool, or a built image in the cache of this machine. */
export interface ImageCopy {
  name: string;
  sha256: string;
  /** `cache`, or the name of a BenchHost. */
  place: string;
  file: string;
  bytes: number;
  /** Domains or manifests that use it. */
  usedBy: string[];
  /** RFC 3339 where it is known. */
  createdAt?: string;
}

export interface ImageTools {
  build(
    options: { recipe: string; force: boolean },
    progress: (progress: ImageProgress) => void,
    signal: AbortSignal,
  ): Promise<BuiltImage>;
  /** Boots the image and checks its contract; every check is reported, also after a failed one. */
  verify(
    name: string,
    progress: (progress: ImageProgress) => void,
    signal: AbortSignal,
  ): Promise<ImageCheck[]>;
  list(signal: AbortSignal): Promise<ImageCopy[]>;
  /** Removes copies that nothing uses; returns them. With `dryRun` it only returns them. */
  prune(options: { dryRun: boolean }, signal: AbortSignal): Promise<ImageCopy[]>;
}
