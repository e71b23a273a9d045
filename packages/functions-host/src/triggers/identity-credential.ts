import type { TokenCredential } from '@azure/identity';
import type { HostIdentity } from './connection-settings';

/** What proves an identity to Azure. The library is large, and few apps need it here: it is loaded when asked for. */
export async function toCredential(identity: HostIdentity): Promise<TokenCredential> {
  const { ClientSecretCredential, DefaultAzureCredential, ManagedIdentityCredential } = await import('@azure/identity');
  switch (identity.kind) {
    case 'managed': {
      const { clientId, resourceId } = identity;
      if (clientId !== undefined) return new ManagedIdentityCredential({ clientId });
      return resourceId === undefined ? new ManagedIdentityCredential() : new ManagedIdentityCredential({ resourceId });
    }
    case 'secret':
      return new ClientSecretCredential(identity.tenantId, identity.clientId, identity.clientSecret);
    case 'default':
      return new DefaultAzureCredential(identity);
  }
}
