/** By whom a deployment's own orders are placed. */
export const SMOKE_CUSTOMER = 'SMOKE-TEST';

/** What their ids look like, as a regular expression of JavaScript and of PostgreSQL. */
export const SMOKE_ID_PATTERN = '^smoke-[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$';

const RECOVERY = /:recover$/;

/** Whether an instance is the saga of a smoke order, or its recovery, as far as its id tells. */
export const isSmokeId = (instanceId: string): boolean => new RegExp(SMOKE_ID_PATTERN).test(toOrderId(instanceId));

/** The order of an instance. */
export const toOrderId = (instanceId: string): string => instanceId.replace(RECOVERY, '');
