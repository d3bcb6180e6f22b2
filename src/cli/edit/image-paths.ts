/**
 * Image files are named relative to the manifest that names them, so a BenchImage that is written
 * into another directory must name them absolutely. Pure; the caller proves the result by
 * loading it.
 */
import { isAbsolute, resolve } from 'node:path';
import type { BenchImage } from '../../crd/bench-image.ts';

const pathValue = /(^|[\s{,])(path:\s+)(?:"([^"\n]*)"|'([^'\n]*)'|([^\s,}"'#][^\s,}]*))/g;

export function absoluteImagePaths(document: string, fromDir: string): string {
  return document.replace(
    pathValue,
    (whole, before: string, key: string, double?: string, single?: string, plain?: string) => {
      const path = double ?? single ?? plain ?? '';
      if (path === '' || isAbsolute(path)) return whole;
      return `${before}${key}${JSON.stringify(resolve(fromDir, path))}`;
    },
  );
}

/** All files that the image names, made absolute. */
export function imagePaths(image: BenchImage, fromDir: string): string[] {
  const { source, boot } = image.spec;
  return [source, boot?.kernel, boot?.initrd]
    .flatMap((file) => (file === undefined ? [] : [file.path]))
    .map((path) => resolve(fromDir, path));
}
