import type { TokenCredential } from '@azure/identity';

/**
 * Who the app is to a service that knows identities of Entra ID, in the terms in which Azure Functions is told of it beside a
 * connection (`__credential`, `__clientId`): a managed identity, which exists only in Azure, or whoever is signed in where
 * the app runs (`az login`, a workload's identity).
 */
export interface IdentitySettings {
  readonly isManaged: boolean;
  /** Of a user-assigned identity. Without it: the one that the machine has by itself. */
  readonly clientId?: string | undefined;
}

/** Gets tokens, and keeps each until shortly before it ends. The SDK is large, and loaded only by an app that signs in so. */
export async function createCredential({ isManaged, clientId }: IdentitySettings): Promise<TokenCredential> {
  const { DefaultAzureCredential, ManagedIdentityCredential } = await import('@azure/identity');
  if (isManaged)
    return clientId === undefined ? new ManagedIdentityCredential() : new ManagedIdentityCredential({ clientId });
  return new DefaultAzureCredential(clientId === undefined ? {} : { managedIdentityClientId: clientId });
}
