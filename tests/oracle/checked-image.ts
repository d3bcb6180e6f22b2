/**
 * S15: a disk is made from an image only when its content was checked on its way into the pool:
 * it was put there by an upload with its digest, and holds what that digest says.
 */
import type { Asked, Checker } from './checker.ts';
import { imageVolumes } from './ordered.ts';
import { targetOf } from './targets.ts';

export const checkedImage: Checker = {
  id: 'S15',
  asked: (asked) => {
    const { effect } = asked;
    if (effect.kind === 'createVolume') return wrong(asked, effect.volume.backingVolume);
    if (effect.kind !== 'defineDomain' || effect.domain.boot === undefined) return [];
    const { kernel, initrd } = effect.domain.boot;
    return [kernel, initrd].flatMap((name) => (name === undefined ? [] : wrong(asked, name)));
  },
  done: ({ effect, after, failed }) => {
    if (effect.kind !== 'uploadArtifact' || failed) return [];
    const { volume, sha256 } = effect.artifact;
    const made = targetOf(effect, after)?.host.volumes.find(({ name }) => name === volume);
    if (made === undefined) return [`the upload of ${volume} was done and nothing is there`];
    const wrongContent = made.contentSha256 !== undefined && made.contentSha256 !== sha256;
    return wrongContent ? [`${volume} does not hold what its digest says`] : [];
  },
};

function wrong({ effect, truth, memory }: Asked, name: string): string[] {
  const host = targetOf(effect, truth)?.host;
  const volume = host?.volumes.find((item) => item.name === name);
  if (host === undefined || volume === undefined) return [];
  const orders = memory.ledger.clusters().flatMap((cluster) => memory.ledger.versions(cluster));
  const known = orders.flatMap(imageVolumes).filter((image) => image.volume === name);
  if (known.length === 0) return [`${name} is used as an image, and no manifest has its digest`];
  const { contentSha256 } = volume;
  if (contentSha256 === undefined || known.some(({ sha256 }) => sha256 === contentSha256))
    return [];
  return [`${name} is used as an image and does not hold what its digest says`];
}
