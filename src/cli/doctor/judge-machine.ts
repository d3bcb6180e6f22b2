/** Judgement of this machine's facts. Pure. */
import { quote } from '../../lib/quote.ts';
import { type Check, fail, ok, warn } from './check.ts';
import type {
  ImageFacts,
  KeyFacts,
  KvmFacts,
  PackageFacts,
  StateFacts,
  UserFacts,
} from './probes.ts';

const oldestNode = 24;

export function judgeNode(version: string): Check {
  const major = Number.parseInt(version.replace(/^v/, ''), 10);
  return major >= oldestNode
    ? ok('node', version)
    : fail('node', `${version} is older than ${oldestNode}`, 'npm ci');
}

export function judgePackages({ missing, apt }: PackageFacts): Check {
  if (missing.length === 0) return ok('packages', 'all there');
  const names = missing.map(quote).join(' ');
  const mend = apt
    ? `sudo apt-get install -y ${names}`
    : `install what this distribution calls: ${names}`;
  return fail('packages', `missing: ${missing.join(', ')}`, mend);
}

/** Only a local hypervisor needs the group. */
export function judgeGroup(user: UserFacts, localHypervisor: boolean): Check {
  if (!localHypervisor) return ok('group libvirt', 'not needed: every host is remote');
  if (user.root) return ok('group libvirt', 'not needed: root');
  if (user.groups.includes('libvirt')) return ok('group libvirt', `${user.name} is in it`);
  const mend = `sudo usermod -aG libvirt ${quote(user.name)}, then log in again`;
  return fail('group libvirt', `${user.name} is not in it`, mend);
}

export function judgeKvm(kvm: KvmFacts, user: UserFacts, localHypervisor: boolean): Check {
  if (!localHypervisor) return ok('kvm', 'not needed: every host is remote');
  if (kvm.usable) return ok('kvm', '/dev/kvm can be used');
  const slow = 'guests run in software emulation, ten times slower';
  if (!kvm.present) {
    const mend = 'sudo modprobe -a kvm_intel kvm_amd; or allow virtualisation in the firmware';
    return warn('kvm', `no /dev/kvm; ${slow}`, mend);
  }
  const mend = `sudo usermod -aG kvm ${quote(user.name)}, then log in again`;
  return warn('kvm', `/dev/kvm cannot be used; ${slow}`, mend);
}

/** Needed to reach remote hosts; guests get a key of the controller's own. */
export function judgeSshKey(key: KeyFacts, remoteHosts: boolean): Check {
  if (key.found === undefined) {
    return remoteHosts
      ? fail('ssh key', 'no key file and no agent', 'ssh-keygen -t ed25519')
      : ok('ssh key', 'not needed: no host is remote');
  }
  return key.exposed
    ? fail('ssh key', `${key.found} can be read by others`, `chmod 600 ${quote(key.found)}`)
    : ok('ssh key', key.found);
}

export function judgeImages(images: readonly ImageFacts[]): Check[] {
  if (images.length === 0) {
    const mend = 'benchctl image build';
    return [warn('images', 'the directory names no image', mend)];
  }
  return images.map(({ name, file, present }) =>
    present
      ? ok(`image ${name}`, file)
      : fail(`image ${name}`, `${file} is missing`, 'benchctl image build'),
  );
}

export function judgeState({ path, writable, exposed }: StateFacts): Check {
  const word = quote(path);
  if (!writable) {
    return fail('state', `${path} cannot be written`, `mkdir -p ${word} && chmod 700 ${word}`);
  }
  return exposed
    ? fail('state', `${path} can be read by others, and holds keys`, `chmod 700 ${word}`)
    : ok('state', path);
}
