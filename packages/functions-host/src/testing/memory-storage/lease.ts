import { randomUUID } from 'node:crypto';
import type { Clock } from '../../clock';
import { StorageError } from './storage-error';

export type LeaseStateName = 'available' | 'leased' | 'expired' | 'breaking' | 'broken';

/** The lease of one blob or container: who holds it, and until when. */
export class Lease {
  readonly #clock: Clock;
  #id: string | undefined;
  /** Infinity for a lease without an end. */
  #until = 0;
  /** For a lease that is given up at that time. */
  #breaksAt: number | undefined;
  #durationMs = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  get state(): LeaseStateName {
    if (this.#id === undefined) return 'available';
    const now = this.#clock.now();
    if (this.#breaksAt !== undefined) return this.#breaksAt > now ? 'breaking' : 'broken';
    return this.#until > now ? 'leased' : 'expired';
  }

  /** True while nobody else may write. */
  get isLocked(): boolean {
    return this.state === 'leased' || this.state === 'breaking';
  }

  get duration(): 'infinite' | 'fixed' {
    return this.#durationMs === Infinity ? 'infinite' : 'fixed';
  }

  /** @param seconds 15 to 60, or -1 for a lease without an end. */
  acquire(seconds: number, proposedId: string | undefined): string {
    if (this.isLocked && (this.state === 'breaking' || proposedId !== this.#id)) {
      throw new StorageError(409, 'LeaseAlreadyPresent', 'There is already a lease present.');
    }
    if (seconds !== -1 && (seconds < 15 || seconds > 60)) {
      throw new StorageError(400, 'InvalidHeaderValue', `x-ms-lease-duration must be -1 or 15 to 60; got ${seconds}.`);
    }
    this.#id = proposedId ?? randomUUID();
    this.#durationMs = seconds === -1 ? Infinity : seconds * 1000;
    return this.#extend(this.#id);
  }

  renew(id: string | undefined): string {
    const held = this.#check(id);
    if (this.#breaksAt !== undefined) {
      throw new StorageError(409, 'LeaseIsBrokenAndCannotBeRenewed', 'The lease has been broken explicitly.');
    }
    return this.#extend(held);
  }

  change(id: string | undefined, proposedId: string | undefined): string {
    if (proposedId !== this.#id || this.#id === undefined) this.#check(id);
    this.#id = proposedId ?? randomUUID();
    return this.#id;
  }

  release(id: string | undefined): void {
    this.#check(id);
    this.#id = undefined;
    this.#breaksAt = undefined;
  }

  /** @param seconds until it is given up; the rest of its time if it has an end before that. @returns seconds that are left. */
  break(seconds: number | undefined): number {
    if (this.#id === undefined) {
      throw new StorageError(409, 'LeaseNotPresentWithLeaseOperation', 'There is currently no lease.');
    }
    const now = this.#clock.now();
    const remaining = Math.max(0, (this.#breaksAt ?? this.#until) - now);
    const asked = seconds === undefined ? undefined : seconds * 1000;
    const left = asked === undefined ? (remaining === Infinity ? 0 : remaining) : Math.min(asked, remaining);
    this.#breaksAt = now + left;
    return Math.ceil(left / 1000);
  }

  /** @throws StorageError if a write with this lease id, or without one, may not be. */
  permit(id: string | undefined, what: 'blob' | 'container'): void {
    const word = what === 'blob' ? 'Blob' : 'Container';
    if (this.isLocked) {
      if (id === undefined) {
        throw new StorageError(412, 'LeaseIdMissing', `There is a lease on the ${what} and no lease ID was given.`);
      }
      if (id !== this.#id) {
        throw new StorageError(
          412,
          `LeaseIdMismatchWith${word}Operation`,
          `The lease ID given is not that of the lease on the ${what}.`,
        );
      }
      return;
    }
    if (id !== undefined) {
      const code = this.#id === undefined ? `LeaseNotPresentWith${word}Operation` : 'LeaseLost';
      throw new StorageError(412, code, `There is no lease on the ${what} (any more).`);
    }
  }

  #check(id: string | undefined): string {
    if (this.#id !== undefined && id === this.#id) return this.#id;
    throw new StorageError(
      409,
      'LeaseIdMismatchWithLeaseOperation',
      'The lease ID specified did not match the lease ID for the resource.',
    );
  }

  #extend(id: string): string {
    this.#until = this.#clock.now() + this.#durationMs;
    this.#breaksAt = undefined;
    return id;
  }
}
