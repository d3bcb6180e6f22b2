/**
 * What a check of an image needs of a hypervisor: somewhere to boot one guest for a while, and to
 * talk to it. Removing what is not there is success, and is not stopped by the caller's signal:
 * what was made is removed also when the check was cancelled.
 */

export type TrialHost = {
  /** The public key that `run` logs in with; the guest is given it at its boot. */
  publicKey: string;
  /** Hypervisor type that its guests run with. */
  domainType(signal?: AbortSignal): Promise<'kvm' | 'qemu'>;
  /** Starts a transient network. */
  createNetwork(xml: string, signal?: AbortSignal): Promise<void>;
  removeNetwork(name: string): Promise<void>;
  /** Puts the bytes of a file into a new volume; its path on the host. */
  upload(volume: string, file: string, signal?: AbortSignal): Promise<string>;
  /** Makes a qcow2 disk over another one; its path on the host. */
  createDisk(
    volume: string,
    disk: { bytes: number; backingPath: string },
    signal?: AbortSignal,
  ): Promise<string>;
  removeVolume(name: string): Promise<void>;
  /** Starts a transient domain. */
  createDomain(xml: string, signal?: AbortSignal): Promise<void>;
  removeDomain(uuid: string): Promise<void>;
  /** The newest lease of the MAC address, once there is one. */
  lease(
    network: string,
    mac: string,
    signal?: AbortSignal,
  ): Promise<{ address: string; clientId: string } | undefined>;
  /** The `return` value of a command to the guest agent. */
  agent(uuid: string, command: object, signal?: AbortSignal): Promise<unknown>;
  /** Runs a shell script in the guest as root, over SSH; the host key must be the given one. */
  run(
    guest: { address: string; hostKey: string },
    script: string,
    options: { timeoutMs: number; signal?: AbortSignal | undefined },
  ): Promise<{ stdout: string }>;
};
