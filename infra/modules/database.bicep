// PostgreSQL, with Entra sign-in only: no role in it has a password. Its administrator is whoever deploys and migrates. The app's
// own role is made by the migration step, which alone may: it can read and write rows, and owns no table.

param name string
param location string
param tags object

@description('No public address at all.')
param privateOnly bool

param administratorPrincipalId string

@description('As Entra ID shows it. It is the name that the administrator signs in under.')
param administratorName string

@allowed(['ServicePrincipal', 'User', 'Group'])
param administratorType string

@description('E.g. Standard_B2s or Standard_D2ds_v5.')
param skuName string

@allowed(['Burstable', 'GeneralPurpose', 'MemoryOptimized'])
param skuTier string

@description('A second server in another zone, which takes over. Burstable servers can have none.')
param standby bool

param backupDays int

@description('Backups in another region as well: without them the data is gone with the region. It can only be chosen when the server is made.')
param geoBackup bool

resource server 'Microsoft.DBforPostgreSQL/flexibleServers@2024-08-01' = {
  name: name
  location: location
  tags: tags
  sku: { name: skuName, tier: skuTier }
  properties: {
    version: '17'
    authConfig: { activeDirectoryAuth: 'Enabled', passwordAuth: 'Disabled', tenantId: tenant().tenantId }
    storage: { storageSizeGB: 32, autoGrow: 'Enabled' }
    backup: { backupRetentionDays: backupDays, geoRedundantBackup: geoBackup ? 'Enabled' : 'Disabled' }
    highAvailability: { mode: standby ? 'ZoneRedundant' : 'Disabled' }
    network: { publicNetworkAccess: privateOnly ? 'Disabled' : 'Enabled' }
  }
}

// A server does one thing at a time: each of the following waits for the one before.
resource database 'Microsoft.DBforPostgreSQL/flexibleServers/databases@2024-08-01' = {
  parent: server
  name: 'orders'
  properties: { charset: 'UTF8', collation: 'en_US.utf8' }
}

// Without a network of its own the app comes from addresses of Azure that change. The rule lets in all of Azure, and Entra ID
// decides; what is to be closed to the rest of Azure takes the private network.
resource fromAzure 'Microsoft.DBforPostgreSQL/flexibleServers/firewallRules@2024-08-01' = if (!privateOnly) {
  parent: server
  name: 'from-azure'
  properties: { startIpAddress: '0.0.0.0', endIpAddress: '0.0.0.0' }
  dependsOn: [database]
}

resource administrator 'Microsoft.DBforPostgreSQL/flexibleServers/administrators@2024-08-01' = {
  parent: server
  name: administratorPrincipalId
  properties: {
    principalName: administratorName
    principalType: administratorType
    tenantId: tenant().tenantId
  }
  dependsOn: [fromAzure, database]
}

output id string = server.id
output name string = server.name
output hostName string = server.properties.fullyQualifiedDomainName
output databaseName string = database.name
