// Keys of other companies' services, which know no identity of Azure. An operator puts them in (infra/README.md); they go from
// here into the app's settings by reference, and through no template, workflow or log.

param name string
param location string
param tags object
param appPrincipalId string
param privateOnly bool

var secretsUser = '4633458b-17de-408a-b874-0445c86b69e6'

resource vault 'Microsoft.KeyVault/vaults@2024-11-01' = {
  name: name
  location: location
  tags: tags
  properties: {
    tenantId: tenant().tenantId
    sku: { family: 'A', name: 'standard' }
    enableRbacAuthorization: true
    enableSoftDelete: true
    enablePurgeProtection: true
    publicNetworkAccess: privateOnly ? 'Disabled' : 'Enabled'
    networkAcls: { defaultAction: privateOnly ? 'Deny' : 'Allow', bypass: 'None' }
  }
}

// Key Vault Secrets User: reads secrets. The platform resolves the references in the app's name when an instance starts.
resource secretsRole 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  scope: vault
  name: guid(vault.id, appPrincipalId, secretsUser)
  properties: {
    principalId: appPrincipalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', secretsUser)
    description: 'authorisePayment, capturePayment, refundItem: the key of payments. confirmOrder, requestApproval, watchStuckSagas, tellDeadLetters: the mail server. bookPickUp: where the carrier calls back.'
  }
}

output id string = vault.id
output name string = vault.name
output uri string = vault.properties.vaultUri
