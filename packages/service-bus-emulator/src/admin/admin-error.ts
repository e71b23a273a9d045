/**
 * A request that the administration API refuses. `status` is HTTP's; the message is what the client shows. Clients take
 * some of their codes from a `SubCode=` in it, which `subCode` puts there.
 */
export class AdminError extends Error {
  override readonly name = 'AdminError';
  readonly status: number;

  constructor(status: number, message: string, subCode?: number) {
    super(subCode === undefined ? message : `SubCode=${subCode}. ${message}`);
    this.status = status;
  }
}
