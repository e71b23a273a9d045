import { BrokerError } from './errors';

/** What a place for messages refuses, in words. */
export const lockLost = (token: string): BrokerError =>
  new BrokerError(
    'messageLockLost',
    `The lock '${token}' is not there: it has ended, or its message was settled already.`,
  );

export const notDeferred = (address: string, sequenceNumber: number): BrokerError =>
  new BrokerError(
    'messageNotFound',
    `'${address}' has no deferred message with sequence number ${sequenceNumber} that is free.`,
  );

export const notScheduled = (address: string, sequenceNumber: number): BrokerError =>
  new BrokerError('messageNotFound', `'${address}' has no scheduled message with sequence number ${sequenceNumber}.`);

export const deadAlready = (address: string): BrokerError =>
  new BrokerError('invalidOperation', `'${address}' holds dead letters; they cannot be dead-lettered again.`);

export const lockedWithSession = (address: string): BrokerError =>
  new BrokerError('invalidOperation', `Messages of '${address}' are locked with their session: renew its lock.`);
