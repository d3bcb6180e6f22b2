/** What is uploaded is what was asked for; the driver and the simulated host judge alike. Pure. */
import { type Artifact, PortError } from '../../controllers/ports.ts';

/** Whatever is at its path, an image is what its manifest names. */
export function requireContent(artifact: Artifact, read: string | undefined): void {
  const { sourcePath, sha256 } = artifact;
  if (read === sha256.toLowerCase()) return;
  throw new PortError('rejected', `${sourcePath} does not have the SHA-256 digest ${sha256}`);
}
