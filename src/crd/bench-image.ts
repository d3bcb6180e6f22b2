/**
 * BenchImage: a generic disk image, pinned by digest. It knows nothing of any cluster.
 * `benchctl image build` writes one; paths are relative to the file that holds the object.
 */
import { z } from 'zod';
import { apiVersion, FilePath, field, Line, ObjectMeta } from './field.ts';

const Sha256 = z.string().regex(/^[0-9a-f]{64}$/, 'must be a SHA-256 digest in lower-case hex');

export const ImageFile = z.strictObject({
  path: field(
    FilePath,
    'rolling',
    'File on the machine of the controller, relative to the manifest.',
  ),
  sha256: field(Sha256, 'rolling', 'SHA-256 of the file; checked while it is uploaded.'),
});
export type ImageFile = z.infer<typeof ImageFile>;

const Boot = z.strictObject({
  kernel: field(ImageFile, 'rolling', 'Kernel for direct boot.'),
  initrd: field(ImageFile.optional(), 'rolling', 'Initial RAM disk for direct boot.'),
  cmdline: field(Line.max(2000).default(''), 'rolling', 'Kernel command line.'),
});

export const BenchImageSpec = z.strictObject({
  source: field(ImageFile, 'rolling', 'The qcow2 disk image.'),
  boot: field(
    Boot.optional(),
    'rolling',
    'Direct kernel boot; absent: the boot loader of the image.',
  ),
  access: field(
    z.enum(['SystemdCredentials']).default('SystemdCredentials'),
    'rolling',
    'How the SSH key reaches a new VM: systemd credentials over SMBIOS.',
  ),
  user: field(z.literal('root').default('root'), 'rolling', 'Login user of the image.'),
  provides: field(
    z
      .array(z.enum(['slurm']))
      .max(10)
      .default([]),
    'rolling',
    'Schedulers in the image.',
  ),
});
export type BenchImageSpec = z.infer<typeof BenchImageSpec>;

export const BenchImage = z
  .strictObject({
    apiVersion: z.literal(apiVersion),
    kind: z.literal('BenchImage'),
    metadata: ObjectMeta,
    spec: BenchImageSpec,
  })
  .meta({ description: 'A generic disk image, pinned by digest.' });
export type BenchImage = z.infer<typeof BenchImage>;
