/**
 * The name of what an upload of an image writes to until it is whole. Part of the UUID of the
 * installation is in it, so of two that upload one image to one host each writes, copies and takes
 * away only what is its own. Pure.
 */

const partName = /^(.+)\.[0-9a-f]{8}\.part$/;

export function partOf(image: string, installation: string): string {
  return `${image}.${installation.slice(0, 8)}.part`;
}

/** The image that a part is of, whosever it is; undefined for what is no part. */
export function imageOfPart(volume: string): string | undefined {
  return partName.exec(volume)?.[1];
}
