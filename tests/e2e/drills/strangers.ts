/**
 * Fifty domains and fifty volumes of other people, with names as hostile as libvirt lets them be,
 * many of them made to look like ours: our node names, our mark in a wrong place, our pool.
 */
import type { Lab } from '../../../lab/lab.ts';

const count = 50;
const pool = '/var/lib/libvirt/images';
const namespace = 'https://benchcluster.io/xmlns/v1';

/** libvirt refuses only `/` in a name; these it takes. */
const odd = [
  'a b',
  'a;reboot',
  '-rf',
  "it's",
  '$(id)',
  '`id`',
  '*',
  '~',
  '&&',
  '..x',
  'näme',
  '名前',
  '%s%n',
  '<&>',
  '"quoted"',
  '\\',
  '--help',
  'x'.repeat(100),
];

/** For a cluster of that name. */
function names(cluster: string): string[] {
  const like = (index: number) => [
    `${cluster}-compute-${10 + index}`,
    `${cluster}-head-${1 + index}`,
    `${cluster}-${index}`,
  ];
  const ours = Array.from({ length: count }, (_, index) => like(index)).flat();
  return [...odd, ...ours].slice(0, count);
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}

/** Marks that a careless reader would take for ours. */
function mark(index: number, installation: string): string {
  const owner = `<b:owner xmlns:b="${namespace}" installation="${installation}"/>`;
  const theirs = owner.replace(installation, '00000000-0000-4000-8000-000000000000');
  const fake = `<x:owner xmlns:x="https://example.org/" installation="${installation}"/>`;
  return ['', fake, theirs, `<title>${installation}</title>`][index % 4] ?? '';
}

export async function makeStrangers(
  lab: Lab,
  cluster: string,
  installation: string,
  most = count,
): Promise<number> {
  const all = names(cluster).slice(0, most);
  for (const [index, name] of all.entries()) {
    const volume = index < odd.length ? name : `${name}-deadbeef.qcow2`;
    const disk = `<disk type="file"><source file="${escaped(`${pool}/${volume}`).replaceAll('"', '&quot;')}"/>
      <target dev="sda"/></disk>`;
    const text = mark(index, installation);
    // Not part of `<metadata>`: libvirt has a place of its own for a title.
    const [title, metadata] = text.startsWith('<title>') ? [text, ''] : ['', text];
    await define(
      lab,
      'vol-create default /dev/stdin',
      `<volume><name>${escaped(volume)}</name><capacity>4096</capacity>
        <target><format type="raw"/></target></volume>`,
    );
    await define(
      lab,
      'define /dev/stdin',
      `<domain type="qemu"><name>${escaped(name)}</name>${title}<metadata>${metadata}</metadata>
        <memory>65536</memory><os><type>hvm</type></os><devices>${disk}</devices></domain>`,
    );
  }
  const fill = `cd ${pool} && for f in * .[!.]*; do [ -f "$f" ] && printf '%s' "$f" >"./$f"; done; true`;
  await lab.exec(['sh', '-c', fill]);
  return all.length;
}

export async function define(lab: Lab, command: string, xml: string): Promise<void> {
  await lab.exec(['sh', '-c', `cat | virsh ${command}`], { input: xml });
}

/** All that there is, to the byte: texts of domains by UUID, digests and inodes of files. */
export async function everything(lab: Lab): Promise<string> {
  const script = `cd ${pool} && virsh list --all --uuid | sort | while read -r uuid; do
      [ -z "$uuid" ] || virsh dumpxml "$uuid"; done
    find . -type f -printf '%i %s %T@ %m %p\\n' | sort; find . -type f -exec sha256sum {} + | sort
    virsh net-list --all --uuid | sort; virsh vol-list default | sort`;
  return (await lab.exec(['sh', '-c', script], { timeoutMs: 120_000 })).stdout;
}
