// Everything that one environment (staging, production, somebody's own) consists of, in a resource group of its own. The same
// for `azd up` and for the workflow; parameters come from environment variables by main.bicepparam. Nothing here is secret.
//
// Afterwards: the code is deployed, then blob-events.bicep.
targetScope = 'subscription'

@description('E.g. staging. Names of resources are made of it.')
@minLength(1)
@maxLength(20)
param environmentName string

@metadata({ azd: { type: 'location' } })
param location string

@description('Default: rg-<environment>.')
param resourceGroupName string

@description('Object id of whoever deploys and migrates: administrator of the database, keeper of packages.')
@minLength(36)
param deployerPrincipalId string

@description('Its name as Entra ID shows it; it signs in to the database under this name.')
@minLength(1)
param deployerPrincipalName string

@allowed(['ServicePrincipal', 'User', 'Group'])
param deployerPrincipalType string

@description('Storage, Service Bus, database, scheduler and vault answer in a virtual network only. Service Bus is Premium then.')
param privateNetworking bool

@description('What keeps the sagas: Durable Task Scheduler, or queues and tables of the storage account.')
@allowed(['scheduler', 'storage'])
param taskHubProvider string

@allowed(['Consumption', 'Dedicated'])
param schedulerSku string

@description('A second app, with a task hub of its own, behind one address: for two versions at once. Off: nothing of it is made.')
param secondApp bool

@description('Of a hundred requests so many go to the second app. Whoever deploys gives what it is now, or it is changed by that.')
@minValue(0)
@maxValue(100)
param greenWeight int

@description('What each app does beside answering requests: scripts/deploy/two-apps.ts says what the words mean. As with the weight.')
@allowed(['leads', 'follows', 'waits'])
param blueDuty string

@allowed(['leads', 'follows', 'waits'])
param greenDuty string

@minValue(0)
param alwaysReadyInstances int

@minValue(1)
@maxValue(1000)
param maximumInstances int

@allowed([512, 2048, 4096])
param instanceMemoryMb int

@allowed(['Standard_LRS', 'Standard_ZRS', 'Standard_GZRS'])
param storageSku string

@description('Messaging units of Service Bus, with a private network.')
@allowed([1, 2, 4, 8, 16])
param serviceBusUnits int

param databaseSku string

@allowed(['Burstable', 'GeneralPurpose', 'MemoryOptimized'])
param databaseTier string

param databaseStandby bool

@minValue(7)
@maxValue(35)
param databaseBackupDays int

@description('Keeps backups in a second region. Can\'t be changed once the server is there.')
param databaseGeoBackup bool

@description('Connections of one instance. Times maximumInstances it has to stay below what the database allows.')
@minValue(1)
@maxValue(100)
param databasePoolSize int

@minValue(30)
@maxValue(730)
param logRetentionDays int

@description('Gigabytes of logs a day; -1: no limit.')
param logDailyQuotaGb int

@description('Who gets alerts by mail. Without anybody alerts are made and switched off.')
param alertEmails array

@description('Other thresholds than those of operations/alerts.json, by the id of the alert: { "dead-letters": 20 }.')
param alertThresholds object

@description('Where docs/runbook.md of the deployed version can be read.')
param runbookUrl string

@description('0: no budget.')
@minValue(0)
param monthlyBudget int

@description('The first of the month in which the budget is made, e.g. 2026-11-01. Stays as it is afterwards.')
param budgetStart string

@description('The payment provider\'s API.')
param paymentProviderUrl string

@description('The carrier\'s API.')
param carrierUrl string

param mailFrom string
param opsEmail string

@description('Who is told of dead letters, by whose business they are; empty: opsEmail.')
param paymentsTeamEmail string
param databaseTeamEmail string
param sendersEmail string
param onCallEmail string

@description('Of ISO 4217, lower case.')
param currency string

param approvalThreshold string
param approvalTimeout string
param paymentTimeout string
param pickUpTimeout string
param retentionDays int
param stuckAfter string

var token = toLower(uniqueString(subscription().id, environmentName, location))
var tags = { 'azd-env-name': environmentName, application: 'order-sagas' }
var appName = 'func-${environmentName}-${token}'
// The host makes its id of the first 32 characters of an app's name, and two apps with one id would share keys and timers: so
// the names of the two differ at their beginning.
var greenName = 'green-${environmentName}-${token}'
// The first is that of host.json.
var taskHubs = { blue: 'OrderSagas', green: 'OrderSagasGreen' }
var endpoints = {
  blob: 'privatelink.blob.${environment().suffixes.storage}'
  queue: 'privatelink.queue.${environment().suffixes.storage}'
  table: 'privatelink.table.${environment().suffixes.storage}'
  serviceBus: 'privatelink.servicebus.windows.net'
  database: 'privatelink.postgres.database.azure.com'
  vault: 'privatelink.vaultcore.azure.net'
  scheduler: 'privatelink.durabletask.io'
}

resource group 'Microsoft.Resources/resourceGroups@2024-03-01' = {
  name: resourceGroupName
  location: location
  tags: tags
}

module identity 'modules/identity.bicep' = {
  scope: group
  name: 'identity'
  params: { name: 'id-${environmentName}-${token}', location: location, tags: tags }
}

module storage 'modules/storage.bicep' = {
  scope: group
  name: 'storage'
  params: {
    name: 'st${token}'
    location: location
    tags: tags
    appPrincipalId: identity.outputs.principalId
    skuName: storageSku
    privateOnly: privateNetworking
    taskHubProvider: taskHubProvider
    secondApp: secondApp
    deployerPrincipalId: deployerPrincipalId
    deployerPrincipalType: deployerPrincipalType
  }
}

module uploadEvents 'modules/upload-events.bicep' = {
  scope: group
  name: 'upload-events'
  params: {
    name: 'evgt-${token}'
    location: location
    tags: tags
    storageAccountName: storage.outputs.name
    undeliveredContainerName: storage.outputs.undeliveredContainerName
  }
}

module serviceBus 'modules/service-bus.bicep' = {
  scope: group
  name: 'service-bus'
  params: {
    name: 'sbns-${token}'
    location: location
    tags: tags
    appPrincipalId: identity.outputs.principalId
    privateOnly: privateNetworking
    premiumUnits: serviceBusUnits
  }
}

module database 'modules/database.bicep' = {
  scope: group
  name: 'database'
  params: {
    name: 'psql-${token}'
    location: location
    tags: tags
    privateOnly: privateNetworking
    administratorPrincipalId: deployerPrincipalId
    administratorName: deployerPrincipalName
    administratorType: deployerPrincipalType
    skuName: databaseSku
    skuTier: databaseTier
    standby: databaseStandby
    backupDays: databaseBackupDays
    geoBackup: databaseGeoBackup
  }
}

module taskHub 'modules/task-hub.bicep' = if (taskHubProvider == 'scheduler') {
  scope: group
  name: 'task-hub'
  params: {
    name: 'dts-${token}'
    location: location
    tags: tags
    appPrincipalId: identity.outputs.principalId
    privateOnly: privateNetworking
    skuName: schedulerSku
    hubNames: secondApp ? [taskHubs.blue, taskHubs.green] : [taskHubs.blue]
  }
}

module vault 'modules/key-vault.bicep' = {
  scope: group
  name: 'key-vault'
  params: {
    name: 'kv-${token}'
    location: location
    tags: tags
    appPrincipalId: identity.outputs.principalId
    privateOnly: privateNetworking
  }
}

module monitoring 'modules/monitoring.bicep' = {
  scope: group
  name: 'monitoring'
  params: {
    name: '${environmentName}-${token}'
    location: location
    tags: tags
    appPrincipalId: identity.outputs.principalId
    retentionDays: logRetentionDays
    dailyQuotaGb: logDailyQuotaGb
  }
}

module network 'modules/network.bicep' = if (privateNetworking) {
  scope: group
  name: 'network'
  params: { name: 'vnet-${environmentName}-${token}', location: location, tags: tags }
}

// What has an address in the network; the scheduler, which may not be there, stands for itself below.
var privateServices = [
  { name: 'blob', of: 'storage', service: 'blob', zone: endpoints.blob }
  { name: 'queue', of: 'storage', service: 'queue', zone: endpoints.queue }
  { name: 'table', of: 'storage', service: 'table', zone: endpoints.table }
  { name: 'service-bus', of: 'serviceBus', service: 'namespace', zone: endpoints.serviceBus }
  { name: 'database', of: 'database', service: 'postgresqlServer', zone: endpoints.database }
  { name: 'key-vault', of: 'vault', service: 'vault', zone: endpoints.vault }
]
var resourceIds = {
  storage: storage.outputs.id
  serviceBus: serviceBus.outputs.id
  database: database.outputs.id
  vault: vault.outputs.id
}

module privateEndpoints 'modules/private-endpoint.bicep' = [
  for entry in privateServices: if (privateNetworking) {
    scope: group
    name: 'private-endpoint-${entry.name}'
    params: {
      name: 'pep-${entry.name}-${token}'
      location: location
      tags: tags
      resourceId: resourceIds[entry.of]
      service: entry.service
      zone: entry.zone
      networkId: network!.outputs.id
      subnetId: network!.outputs.endpointsSubnetId
    }
  }
]

module schedulerEndpoint 'modules/private-endpoint.bicep' = if (privateNetworking && taskHubProvider == 'scheduler') {
  scope: group
  name: 'private-endpoint-scheduler'
  params: {
    name: 'pep-scheduler-${token}'
    location: location
    tags: tags
    resourceId: taskHub!.outputs.id
    service: 'scheduler'
    zone: endpoints.scheduler
    networkId: network!.outputs.id
    subnetId: network!.outputs.endpointsSubnetId
  }
}

// The app's settings: those that src/config.ts reads, and those that the platform reads (test/infra has the list, with who reads
// each). Double underscores stand for the parts of a connection, or of host.json.
var storageSettings = {
  AzureWebJobsStorage__blobServiceUri: storage.outputs.blobUri
  AzureWebJobsStorage__queueServiceUri: storage.outputs.queueUri
  AzureWebJobsStorage__credential: 'managedidentity'
  AzureWebJobsStorage__clientId: identity.outputs.clientId
}

// The provider stands in the package's host.json as well: the scale controller reads that file, and no settings.
var taskHubSettings = taskHubProvider == 'scheduler'
  ? {
      DURABLE_TASK_SCHEDULER_CONNECTION_STRING: 'Endpoint=${taskHub!.outputs.endpoint};Authentication=ManagedIdentity;ClientID=${identity.outputs.clientId}'
      AzureFunctionsJobHost__extensions__durableTask__storageProvider__type: 'azureManaged'
      AzureFunctionsJobHost__extensions__durableTask__storageProvider__connectionStringName: 'DURABLE_TASK_SCHEDULER_CONNECTION_STRING'
    }
  : {
      AzureWebJobsStorage__tableServiceUri: storage.outputs.tableUri
      AzureFunctionsJobHost__extensions__durableTask__storageProvider__type: 'AzureStorage'
      AzureFunctionsJobHost__extensions__durableTask__storageProvider__connectionStringName: 'AzureWebJobsStorage'
    }

var appSettings = {
  AZURE_CLIENT_ID: identity.outputs.clientId
  APPLICATIONINSIGHTS_CONNECTION_STRING: monitoring.outputs.connectionString
  APPLICATIONINSIGHTS_AUTHENTICATION_STRING: 'Authorization=AAD;ClientId=${identity.outputs.clientId}'
  BLOB_TRIGGER_SOURCE: 'EventGrid'
  ServiceBusConnection__fullyQualifiedNamespace: serviceBus.outputs.hostName
  ServiceBusConnection__credential: 'managedidentity'
  ServiceBusConnection__clientId: identity.outputs.clientId
  DATABASE_URL: 'postgres://${identity.outputs.name}@${database.outputs.hostName}:5432/${database.outputs.databaseName}?sslmode=verify-full'
  DATABASE_AUTHENTICATION: 'entra'
  DATABASE_POOL_SIZE: string(databasePoolSize)
  PAYMENT_PROVIDER_URL: paymentProviderUrl
  PAYMENT_PROVIDER_KEY: '@Microsoft.KeyVault(SecretUri=${vault.outputs.uri}secrets/payment-provider-key)'
  PAYMENT_TIMEOUT: paymentTimeout
  CARRIER_URL: carrierUrl
  CARRIER_CALLBACK_URL: '@Microsoft.KeyVault(SecretUri=${vault.outputs.uri}secrets/carrier-callback-url)'
  PICK_UP_TIMEOUT: pickUpTimeout
  SMTP_URL: '@Microsoft.KeyVault(SecretUri=${vault.outputs.uri}secrets/smtp-url)'
  MAIL_FROM: mailFrom
  OPS_EMAIL: opsEmail
  PAYMENTS_TEAM_EMAIL: empty(paymentsTeamEmail) ? opsEmail : paymentsTeamEmail
  DATABASE_TEAM_EMAIL: empty(databaseTeamEmail) ? opsEmail : databaseTeamEmail
  SENDERS_EMAIL: empty(sendersEmail) ? opsEmail : sendersEmail
  ON_CALL_EMAIL: empty(onCallEmail) ? opsEmail : onCallEmail
  CURRENCY: currency
  APPROVAL_THRESHOLD: approvalThreshold
  APPROVAL_TIMEOUT: approvalTimeout
  RETENTION_DAYS: string(retentionDays)
  STUCK_AFTER: stuckAfter
}

// What only one of two apps has. Each knows the hub of the other one, since whoever steers a saga may have come to the wrong app;
// and what an app does by itself is switched on and off by its duty. One app alone has none of the latter.
var triggers = loadJsonContent('triggers.json')
var startsByItself = concat(triggers.messages, triggers.timers)
var switchedOff = {
  leads: []
  follows: triggers.messages
  waits: startsByItself
}
var blueSettings = union(
  { AzureFunctionsJobHost__extensions__durableTask__hubName: taskHubs.blue },
  secondApp ? { OTHER_TASK_HUB: taskHubs.green } : {},
  secondApp
    ? toObject(
        startsByItself,
        name => 'AzureWebJobs.${name}.Disabled',
        name => contains(switchedOff[blueDuty], name) ? 'true' : 'false'
      )
    : {}
)
var greenSettings = union(
  {
    AzureFunctionsJobHost__extensions__durableTask__hubName: taskHubs.green
    OTHER_TASK_HUB: taskHubs.blue
    // Alerts count both apps together; whoever looks closer can tell them apart.
    OTEL_SERVICE_NAME: 'order-sagas-green'
  },
  toObject(
    startsByItself,
    name => 'AzureWebJobs.${name}.Disabled',
    name => contains(switchedOff[greenDuty], name) ? 'true' : 'false'
  )
)

module app 'modules/function-app.bicep' = {
  scope: group
  name: 'function-app'
  params: {
    name: appName
    serviceName: 'order-sagas'
    location: location
    tags: tags
    identityId: identity.outputs.id
    settings: union(storageSettings, taskHubSettings, appSettings, blueSettings)
    deploymentContainerUri: storage.outputs.deploymentContainerUri
    subnetId: privateNetworking ? network!.outputs.appSubnetId : ''
    alwaysReadyInstances: alwaysReadyInstances
    maximumInstances: maximumInstances
    instanceMemoryMb: instanceMemoryMb
  }
  // Its first instance looks for everything at once.
  dependsOn: [privateEndpoints, schedulerEndpoint]
}

module greenApp 'modules/function-app.bicep' = if (secondApp) {
  scope: group
  name: 'function-app-green'
  params: {
    name: greenName
    serviceName: 'order-sagas-green'
    location: location
    tags: tags
    identityId: identity.outputs.id
    settings: union(storageSettings, taskHubSettings, appSettings, greenSettings)
    deploymentContainerUri: storage.outputs.greenDeploymentContainerUri
    subnetId: privateNetworking ? network!.outputs.appSubnetId : ''
    alwaysReadyInstances: alwaysReadyInstances
    maximumInstances: maximumInstances
    instanceMemoryMb: instanceMemoryMb
  }
  dependsOn: [privateEndpoints, schedulerEndpoint]
}

module frontDoor 'modules/front-door.bicep' = if (secondApp) {
  scope: group
  name: 'front-door'
  params: {
    name: 'afd-${environmentName}-${token}'
    endpointName: 'orders-${environmentName}'
    tags: tags
    origins: [
      { name: 'blue', hostName: app.outputs.hostName, weight: 100 - greenWeight }
      { name: 'green', hostName: greenApp!.outputs.hostName, weight: greenWeight }
    ]
  }
}

module alerts 'operations/alerts.bicep' = {
  scope: group
  name: 'alerts'
  params: {
    location: location
    tags: tags
    namePrefix: 'order-sagas-${environmentName}'
    workspaceId: monitoring.outputs.workspaceId
    serviceBusNamespaceId: serviceBus.outputs.id
    postgresServerId: database.outputs.id
    alertEmails: alertEmails
    runbookUrl: runbookUrl
    thresholds: alertThresholds
    enabled: !empty(alertEmails)
  }
}

module workbook 'operations/workbook.bicep' = {
  scope: group
  name: 'workbook'
  params: {
    name: 'order-sagas-${environmentName}'
    location: location
    tags: tags
    workspaceId: monitoring.outputs.workspaceId
  }
}

module budget 'modules/budget.bicep' = if (monthlyBudget > 0) {
  scope: group
  name: 'budget'
  params: {
    name: 'order-sagas-${environmentName}-monthly'
    amount: monthlyBudget
    start: budgetStart
    actionGroupId: alerts.outputs.actionGroupId
  }
}

output resourceGroupName string = group.name
output functionAppName string = app.outputs.name
output functionAppUrl string = 'https://${app.outputs.hostName}'
output greenAppName string = secondApp ? greenApp!.outputs.name : ''
output greenAppUrl string = secondApp ? 'https://${greenApp!.outputs.hostName}' : ''
output frontDoorName string = secondApp ? frontDoor!.outputs.name : ''
output frontDoorUrl string = secondApp ? 'https://${frontDoor!.outputs.hostName}' : ''
output storageAccountName string = storage.outputs.name
output eventTopicName string = uploadEvents.outputs.topicName
output databaseServerName string = database.outputs.name
output databaseHost string = database.outputs.hostName
output databaseName string = database.outputs.databaseName
output appIdentityName string = identity.outputs.name
output appIdentityPrincipalId string = identity.outputs.principalId
output keyVaultName string = vault.outputs.name
