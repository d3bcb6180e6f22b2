/** Small texts of manifests for tests; each case changes only what it is about. */

export function clusterText(
  change: { name?: string; replicas?: number; spec?: string } = {},
): string {
  const { name = 'slurm-a', replicas = 2, spec = '' } = change;
  return `apiVersion: benchcluster.io/v1alpha1
kind: BenchCluster
metadata:
  name: ${name}
spec:
  scheduler:
    slurm: {}
  image: debian-slurm
  network:
    name: bench
${spec}  workers:
  - name: compute
    replicas: ${replicas}
`;
}

export function hostText(name = 'local'): string {
  return `apiVersion: benchcluster.io/v1alpha1
kind: BenchHost
metadata: {name: ${name}}
spec: {uri: 'qemu:///system'}
`;
}

export function imageText(path = 'images/debian.qcow2'): string {
  return `apiVersion: benchcluster.io/v1alpha1
kind: BenchImage
metadata: {name: debian-slurm}
spec: {source: {path: ${path}, sha256: ${'ab'.repeat(32)}}}
`;
}
