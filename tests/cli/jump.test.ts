/** How `ssh` and `logs` reach a guest behind its hypervisor: as the controller does. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { load } from '../../src/crd/load.ts';
import { jump } from '../../src/wiring/guest-access.ts';

function wayTo(uri: string, ssh = ''): string {
  const text = `apiVersion: benchcluster.io/v1alpha1
kind: BenchHost
metadata: {name: h}
spec:
  uri: ${uri}
${ssh}`;
  const [host] = load('/a.yaml', text).manifests;
  assert(host?.kind === 'BenchHost');
  return jump(host.object).join(' ');
}

test('a local host needs no jump', () => {
  assert.equal(wayTo('qemu:///system'), '');
});

test('the key and the pinned keys are those of the manifest, else those of the URI', () => {
  const uri = 'qemu+ssh://bench@rhodey:2222/system?keyfile=/k/uri&known_hosts=/h/uri';
  const ofUri = wayTo(uri);
  assert.match(ofUri, /-p 2222 -i \/k\/uri -o 'UserKnownHostsFile=\/h\/uri'/);
  assert.match(ofUri, /StrictHostKeyChecking=yes' -W %h:%p bench@rhodey$/);
  const ofManifest = wayTo(uri, '  ssh: {identityFile: /k/own, knownHostsFile: /h/own}\n');
  assert.match(ofManifest, /-i \/k\/own -o 'UserKnownHostsFile=\/h\/own'/);
});
