/** Container in the host's storage account where Azure Functions keeps what its triggers must remember. */
export const hostContainer = 'azure-webjobs-hosts';
