/**
 * BenchHost: a libvirt hypervisor, local or reached over SSH by a user in the `libvirt` group.
 * A URI that could carry an option, a password or a second command is refused here.
 */
import { z } from 'zod';
import { apiVersion, FilePath, field, Name, ObjectMeta } from './field.ts';

// A name never begins with "-", so it can never be taken for an option of ssh.
const word = '[A-Za-z0-9_][A-Za-z0-9_.-]{0,252}';
const uriPattern = new RegExp(
  `^(qemu(\\+unix)?:///system|qemu\\+ssh://${word}@(${word}|\\[[0-9A-Fa-f:.]+\\])(:\\d{1,5})?/system)(\\?[^\\s#]{0,1000})?$`,
);

const Uri = z
  .string()
  .max(2000)
  .regex(uriPattern, 'must be qemu:///system or qemu+ssh://user@host/system');

const Ssh = z.strictObject({
  identityFile: field(
    FilePath.optional(),
    'live',
    'Private key, relative to the manifest; default: the SSH agent.',
  ),
  knownHostsFile: field(
    FilePath.optional(),
    'live',
    'Pinned host keys, relative to the manifest; default: ~/.ssh/known_hosts.',
  ),
});

export const BenchHostSpec = z
  .strictObject({
    uri: field(Uri, 'immutable', 'libvirt URI: `qemu:///system` or `qemu+ssh://user@host/system`.'),
    pool: field(Name.default('default'), 'immutable', 'Storage pool for images and disks.'),
    domainType: field(
      z.enum(['kvm', 'qemu']).optional(),
      'rolling',
      'Hypervisor type of the domains; default: `kvm` where the host offers it.',
    ),
    ssh: field(Ssh.optional(), 'live', 'How a qemu+ssh host is reached.'),
  })
  .check(({ value, issues }) => {
    if (value.ssh === undefined || value.uri.startsWith('qemu+ssh:')) return;
    const message = 'is only for a host with a qemu+ssh URI';
    issues.push({ code: 'custom', path: ['ssh'], message, input: value.ssh });
  });
export type BenchHostSpec = z.infer<typeof BenchHostSpec>;

export const BenchHost = z
  .strictObject({
    apiVersion: z.literal(apiVersion),
    kind: z.literal('BenchHost'),
    metadata: ObjectMeta,
    spec: BenchHostSpec,
  })
  .meta({
    description: 'A libvirt hypervisor.',
    cel: [
      {
        rule: "!has(self.spec.ssh) || self.spec.uri.startsWith('qemu+ssh:')",
        message: 'spec.ssh is only for a host with a qemu+ssh URI',
      },
    ],
  });
export type BenchHost = z.infer<typeof BenchHost>;
