// The app on Flex Consumption: instances come and go with the work, each group of functions (http, durable, blob, and every other
// trigger by itself) for itself. A few kept ready spare the first order of the morning a cold start.
//
// Settings of other plans don't belong here: Flex refuses FUNCTIONS_WORKER_RUNTIME, FUNCTIONS_EXTENSION_VERSION and
// WEBSITE_RUN_FROM_PACKAGE, and takes runtime and package from functionAppConfig.

param name string

@description('What its tag azd-service-name says: by it `azd deploy` and the workflows find the app.')
param serviceName string

param location string
param tags object
param identityId string

@description('All that the app reads; names that are not here are taken away.')
param settings object

@description('The container that packages are put into.')
param deploymentContainerUri string

@description('Empty without a network.')
param subnetId string

@description('Instances that always run, for HTTP and for sagas each. 0: none, and nothing to pay for at rest.')
@minValue(0)
param alwaysReadyInstances int

@minValue(1)
@maxValue(1000)
param maximumInstances int

@allowed([512, 2048, 4096])
param instanceMemoryMb int

resource plan 'Microsoft.Web/serverfarms@2024-11-01' = {
  name: 'plan-${name}'
  location: location
  tags: tags
  kind: 'functionapp'
  sku: { name: 'FC1', tier: 'FlexConsumption' }
  properties: { reserved: true }
}

resource app 'Microsoft.Web/sites@2024-11-01' = {
  name: name
  location: location
  tags: union(tags, { 'azd-service-name': serviceName })
  kind: 'functionapp,linux'
  identity: { type: 'UserAssigned', userAssignedIdentities: { '${identityId}': {} } }
  properties: {
    serverFarmId: plan.id
    httpsOnly: true
    // Without it references to the vault are read in the name of a system-assigned identity, which this app has not.
    keyVaultReferenceIdentity: identityId
    virtualNetworkSubnetId: empty(subnetId) ? null : subnetId
    functionAppConfig: {
      deployment: {
        storage: {
          type: 'blobContainer'
          value: deploymentContainerUri
          authentication: { type: 'UserAssignedIdentity', userAssignedIdentityResourceId: identityId }
        }
      }
      runtime: { name: 'node', version: '22' }
      scaleAndConcurrency: {
        alwaysReady: alwaysReadyInstances == 0
          ? []
          : [
              { name: 'http', instanceCount: alwaysReadyInstances }
              { name: 'durable', instanceCount: alwaysReadyInstances }
            ]
        maximumInstanceCount: maximumInstances
        instanceMemoryMB: instanceMemoryMb
      }
    }
    siteConfig: {
      minTlsVersion: '1.2'
      ftpsState: 'Disabled'
      appSettings: [for setting in items(settings): { name: setting.key, value: setting.value }]
    }
  }
}

// Publishing profiles are passwords: nobody signs in with one, deployments come with a token.
resource withoutPasswords 'Microsoft.Web/sites/basicPublishingCredentialsPolicies@2024-11-01' = [
  for way in ['ftp', 'scm']: {
    parent: app
    name: way
    properties: { allow: false }
  }
]

output name string = app.name
output hostName string = app.properties.defaultHostName
