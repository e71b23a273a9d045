// The storage account: deployment packages, uploaded files, and what the Functions host keeps for itself (leases of timers, keys,
// receipts of blobs). Without shared keys there is no connection string that could leak.

param name string
param location string
param tags object
param appPrincipalId string

@description('Standard_ZRS: copies in three zones. Standard_LRS where a region has no zones.')
@allowed(['Standard_LRS', 'Standard_ZRS', 'Standard_GZRS'])
param skuName string

@description('Nothing but private endpoints, and services of Azure that this account trusts, reach it.')
param privateOnly bool

@description('Where the task hub is kept; in storage it needs queues and tables of this account.')
@allowed(['scheduler', 'storage'])
param taskHubProvider string

@description('Each app of Flex Consumption needs a container of its own for its package.')
param secondApp bool

@description('Who may put packages away for a roll-back; empty for nobody.')
param deployerPrincipalId string

@allowed(['ServicePrincipal', 'User', 'Group'])
param deployerPrincipalType string

var containers = {
  // What Flex Consumption starts instances from.
  deployment: 'deployment'
  // The last good package: scripts of the deployment write and read it.
  packages: 'packages'
  // Uploads, and reports of imports: src/triggers/blob/imports.ts names it.
  imports: 'imports'
  // Events about uploads that could not be delivered for a day.
  undelivered: 'undelivered-events'
}
var greenDeployment = 'deployment-green'

var roles = {
  blobOwner: 'b7e6dc6d-f1e8-4753-8033-0f276bb0955b'
  blobContributor: 'ba92f5b4-2d11-453d-a403-e96b0029c9fe'
  queueContributor: '974c5e8b-45b9-4653-ba55-5f855dd0fb88'
  tableContributor: '0a9a7e1f-b9d0-4cc4-a60d-0319b160aaa3'
}

resource account 'Microsoft.Storage/storageAccounts@2025-01-01' = {
  name: name
  location: location
  tags: tags
  kind: 'StorageV2'
  sku: { name: skuName }
  properties: {
    allowSharedKeyAccess: false
    allowBlobPublicAccess: false
    defaultToOAuthAuthentication: true
    minimumTlsVersion: 'TLS1_2'
    supportsHttpsTrafficOnly: true
    publicNetworkAccess: privateOnly ? 'Disabled' : 'Enabled'
    // Event Grid reads and writes it from outside the network.
    networkAcls: { defaultAction: privateOnly ? 'Deny' : 'Allow', bypass: 'AzureServices' }
  }
}

resource blobs 'Microsoft.Storage/storageAccounts/blobServices@2025-01-01' = {
  parent: account
  name: 'default'
  properties: {
    deleteRetentionPolicy: { enabled: true, days: 7 }
  }
}

resource blobContainers 'Microsoft.Storage/storageAccounts/blobServices/containers@2025-01-01' = [
  for container in items(containers): {
    parent: blobs
    name: container.value
    properties: { publicAccess: 'None' }
  }
]

resource greenDeploymentContainer 'Microsoft.Storage/storageAccounts/blobServices/containers@2025-01-01' = if (secondApp) {
  parent: blobs
  name: greenDeployment
  properties: { publicAccess: 'None' }
}

resource packageContainer 'Microsoft.Storage/storageAccounts/blobServices/containers@2025-01-01' existing = {
  parent: blobs
  name: containers.packages
}

resource lifecycle 'Microsoft.Storage/storageAccounts/managementPolicies@2025-01-01' = {
  parent: account
  name: 'default'
  properties: {
    policy: {
      rules: [
        {
          name: 'forget-undelivered-events'
          type: 'Lifecycle'
          definition: {
            filters: { blobTypes: ['blockBlob'], prefixMatch: ['${containers.undelivered}/'] }
            actions: { baseBlob: { delete: { daysAfterModificationGreaterThan: 90 } } }
          }
        }
      ]
    }
  }
  dependsOn: [blobs]
}

// Storage Blob Data Owner on the account: the host makes containers of its own in it, so no container is narrow enough.
// For the functions named below, and for the host itself: keys, locks, the package.
resource blobRole 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  scope: account
  name: guid(account.id, appPrincipalId, roles.blobOwner)
  properties: {
    principalId: appPrincipalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', roles.blobOwner)
    description: 'startOrdersImport, startProductsImport, importOrdersBatch, importProductsBatch, writeImportReport, cleanUp: files of imports. startLostOrders, startLostReturns, sweepImports, watchStuckSagas, cleanUp, relayEvents, tellDeadLetters: leases of timers.'
  }
}

// Storage Queue Data Contributor on the account: a blob trigger keeps files whose start failed in queues that it makes.
// With the task hub in storage, its control and work queues as well.
resource queueRole 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  scope: account
  name: guid(account.id, appPrincipalId, roles.queueContributor)
  properties: {
    principalId: appPrincipalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', roles.queueContributor)
    description: 'startOrdersImport, startProductsImport: files that are tried again.'
  }
}

// Storage Table Data Contributor on the account, with the task hub in storage only: histories and instances are tables.
resource tableRole 'Microsoft.Authorization/roleAssignments@2022-04-01' = if (taskHubProvider == 'storage') {
  scope: account
  name: guid(account.id, appPrincipalId, roles.tableContributor)
  properties: {
    principalId: appPrincipalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', roles.tableContributor)
    description: 'placeOrder, returnOrder, importOrders, importProducts: their histories.'
  }
}

// Storage Blob Data Contributor on one container, for whoever deploys; no function needs it.
resource deployerRole 'Microsoft.Authorization/roleAssignments@2022-04-01' = if (!empty(deployerPrincipalId)) {
  scope: packageContainer
  name: guid(packageContainer.id, deployerPrincipalId, roles.blobContributor)
  properties: {
    principalId: deployerPrincipalId
    principalType: deployerPrincipalType
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', roles.blobContributor)
    description: 'Deployment: keeps the last good package.'
  }
  dependsOn: [blobContainers]
}

output id string = account.id
output name string = account.name
output blobUri string = account.properties.primaryEndpoints.blob
output queueUri string = account.properties.primaryEndpoints.queue
output tableUri string = account.properties.primaryEndpoints.table
output deploymentContainerUri string = '${account.properties.primaryEndpoints.blob}${containers.deployment}'
output greenDeploymentContainerUri string = '${account.properties.primaryEndpoints.blob}${greenDeployment}'
output undeliveredContainerName string = containers.undelivered
