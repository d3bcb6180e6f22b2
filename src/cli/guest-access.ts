/** Guests as `ssh` and `logs` reach them: proven ones, through the hypervisor where needed. */

export interface GuestRef {
  namespace: string;
  cluster: string;
  node: string;
}

export interface JournalOptions {
  /** Absent: the whole journal of this boot. */
  unit?: string;
  lines: number;
  follow: boolean;
}

export interface GuestAccess {
  /**
   * Runs the command (none: a login shell) on the terminal of this process.
   * Resolves to its exit code, or 255 after it has said on stderr why there is no connection.
   */
  ssh(guest: GuestRef, command: string[], signal: AbortSignal): Promise<number>;
  journal(
    guest: GuestRef,
    options: JournalOptions,
    write: (text: string) => void,
    signal: AbortSignal,
  ): Promise<void>;
  /** The serial console's log; `follow` stays until the signal. */
  console(
    guest: GuestRef,
    options: { follow: boolean; lines: number },
    write: (text: string) => void,
    signal: AbortSignal,
  ): Promise<void>;
  close(): Promise<void>;
}
