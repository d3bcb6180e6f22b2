/** Manifests as text. */

export const digest = '0'.repeat(64);

export function clusterYaml(name = 'slurm-a', replicas = 2): string {
  return `# the cluster of ${name}
apiVersion: benchcluster.io/v1alpha1
kind: BenchCluster
metadata: {name: ${name}}
spec:
  scheduler: {slurm: {}}
  image: debian-slurm
  network: {name: bench}
  workers:
  - name: compute
    replicas: ${replicas} # how many
`;
}

export function hostYaml(name = 'rhodey'): string {
  return `apiVersion: benchcluster.io/v1alpha1
kind: BenchHost
metadata: {name: ${name}}
spec: {uri: 'qemu:///system'}
`;
}

export function imageYaml(path = 'images/slurm.qcow2'): string {
  return `apiVersion: benchcluster.io/v1alpha1
kind: BenchImage
metadata: {name: debian-slurm}
spec:
  source: {path: ${path}, sha256: '${digest}'}
  provides: [slurm]
`;
}
