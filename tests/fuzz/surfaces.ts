/** Every surface that takes bytes of others, in the order in which they are run. */
import type { Surface } from './surface.ts';
import { guestReply } from './surfaces/guest-reply.ts';
import { imageFiles } from './surfaces/image-files.ts';
import { libvirtFrames } from './surfaces/libvirt-frames.ts';
import { libvirtXml } from './surfaces/libvirt-xml.ts';
import { manifestFile } from './surfaces/manifest-file.ts';
import { manifestSet } from './surfaces/manifest-set.ts';
import { slurmConfig } from './surfaces/slurm-config.ts';
import { slurmOutput } from './surfaces/slurm-output.ts';
import { stateFiles } from './surfaces/state-files.ts';

export const surfaces: readonly Surface[] = [
  ...[manifestFile, manifestSet, libvirtXml, libvirtFrames, guestReply, slurmOutput],
  ...[slurmConfig, stateFiles, imageFiles],
];

export function surfaceNamed(name: string): Surface {
  const surface = surfaces.find((each) => each.name === name);
  if (surface) return surface;
  const known = surfaces.map((each) => each.name).join(', ');
  throw new RangeError(`no surface ${name}; there are ${known}`);
}
