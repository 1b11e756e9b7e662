#Requires -Version 5.1
<#
.SYNOPSIS
Installs zoho-cred for the current user on Windows: a release, or programs that you have built.

.EXAMPLE
.\install.ps1 -Release https://github.com/OWNER/zoho-cred/releases/download/v1.0.0
Downloads a release (https only), verifies its checksum and, with the GitHub CLI (gh), its build attestation.

.EXAMPLE
.\install.ps1 -From target\release
Installs from a folder, or from a release's zip file.

.EXAMPLE
.\install.ps1 -Uninstall
Removes what this script installed. Profiles and credentials stay.
#>
[CmdletBinding(DefaultParameterSetName = 'From')]
param(
    # The folder of a release's files.
    [Parameter(Mandatory, ParameterSetName = 'Release')] [string]$Release,
    # A folder with zoho-cred.exe, or a zip file.
    [Parameter(Mandatory, ParameterSetName = 'From')] [string]$From,
    # Where to install.
    [string]$To = (Join-Path ([Environment]::GetFolderPath('LocalApplicationData')) 'Programs\zoho-cred'),
    # Leave PATH as it is.
    [switch]$NoPath,
    [Parameter(Mandatory, ParameterSetName = 'Uninstall')] [switch]$Uninstall
)

Set-StrictMode -Version 2
$ErrorActionPreference = 'Stop'
$ProgressPreference = 'SilentlyContinue' # the bar makes 5.1 slow
# Absolute and without a backslash at its end, because it becomes an entry of PATH.
$To = $ExecutionContext.SessionState.Path.GetUnresolvedProviderPathFromPSPath($To).TrimEnd('\')
$archive = 'zoho-cred-x86_64-pc-windows-msvc.zip'
# zoho-cred chooses its protocol by the name it is called by.
$programs = @{
    'zoho-cred.exe'              = 'zoho-cred.exe'
    'zoho-sandbox.exe'           = 'zoho-sandbox.exe'
    'git-credential-zoho.exe'    = 'zoho-cred.exe'
    'credential-helper-zoho.exe' = 'zoho-cred.exe'
}
$completions = 'zoho-cred.completions.ps1'

function Write-Note([string]$Text) { Write-Information "install.ps1: $Text" -InformationAction Continue }

# Downloads a file over https only. Invoke-WebRequest of PowerShell 5.1 would follow a redirect to http.
function Save-File([uri]$Url, [string]$File) {
    for ($redirects = 0; $redirects -lt 10; $redirects++) {
        if ($Url.Scheme -ne 'https') { throw "$Url is not an https URL; programs are never downloaded over an unprotected connection" }
        $request = [Net.WebRequest]::CreateHttp($Url)
        $request.AllowAutoRedirect = $false
        $request.UserAgent = 'zoho-cred install.ps1'
        $response = $request.GetResponse()
        try {
            if ([int]$response.StatusCode -lt 300) {
                $target = [IO.File]::Create($File)
                try { $response.GetResponseStream().CopyTo($target) } finally { $target.Close() }
                return
            }
            $Url = New-Object Uri -ArgumentList $Url, $response.Headers['Location']
        } finally {
            $response.Close()
        }
    }
    throw "$Url redirects too often"
}

function Get-Release([string]$Url, [string]$Folder) {
    if ($Url -notmatch '^https://.') { throw "$Url is not an https URL; programs are never downloaded over an unprotected connection" }
    [Net.ServicePointManager]::SecurityProtocol = [Net.ServicePointManager]::SecurityProtocol -bor [Net.SecurityProtocolType]::Tls12
    foreach ($name in $archive, 'SHA256SUMS') {
        Save-File "$($Url.TrimEnd('/'))/$name" (Join-Path $Folder $name)
    }
    $pattern = '^([0-9a-f]{64}) [ *]' + [regex]::Escape($archive) + '$'
    $line = Get-Content (Join-Path $Folder 'SHA256SUMS') | Where-Object { $_ -match $pattern }
    if (-not $line) { throw "SHA256SUMS of the release does not list $archive; nothing was installed" }
    $wanted = @($line)[0].Substring(0, 64)
    $zip = Join-Path $Folder $archive
    if ((Get-FileHash -Algorithm SHA256 $zip).Hash -ne $wanted) { throw "the checksum of $archive is wrong; nothing was installed" }
    Write-Note "verified the checksum of $archive"
    Test-Builder $Url $zip
    $zip
}

# Why the build attestation cannot be verified here. Nothing if it can.
function Get-MissingPart {
    $ErrorActionPreference = 'SilentlyContinue' # in 5.1, text on stderr would end the script
    if (-not (Get-Command gh)) { return 'the GitHub CLI (gh) is not installed' }
    if (-not (& gh attestation verify --help 2>$null | Select-String -SimpleMatch '--source-ref')) { return 'this version of gh is too old' }
    & gh auth token 2>$null | Out-Null
    if ($LASTEXITCODE) { return 'gh is not logged in to GitHub' }
}

# Verifies that the release workflow of the repository built the archive, from the release's tag.
function Test-Builder([string]$Url, [string]$Zip) {
    $reason = 'the URL is not a GitHub release'
    if ($Url -match '^https://github\.com/([^/]+/[^/]+)/releases/download/([^/]+)/?$') {
        $repository, $tag = $Matches[1], $Matches[2]
        $reason = Get-MissingPart
    }
    if ($reason) {
        Write-Warning ("NOBODY VERIFIED WHO BUILT THIS PROGRAM: $reason. " +
            'Its checksum comes from the same server and only shows that the download is complete')
        return
    }
    & gh attestation verify $Zip --repo $repository --deny-self-hosted-runners --source-ref "refs/tags/$tag" `
        --signer-workflow "$repository/.github/workflows/release.yml" | Out-Null
    if ($LASTEXITCODE) { throw "gh found no valid attestation that $repository built $archive; nothing was installed" }
    Write-Note "verified the attestation: the release workflow of $repository built $archive"
}

# Replaces a program that may be running: Windows renames such a file, but does not overwrite it.
function Install-Program([string]$Source, [string]$Target) {
    $new = "$Target.new"
    Copy-Item -LiteralPath $Source -Destination $new -Force
    if (Test-Path -LiteralPath $Target) {
        $old = "$Target.$([guid]::NewGuid().ToString('N')).old"
        Move-Item -LiteralPath $Target -Destination $old
    }
    Move-Item -LiteralPath $new -Destination $Target
}

# Removes what Install-Program has renamed, without those that still run.
function Remove-Old {
    foreach ($name in $programs.Keys) {
        Get-ChildItem -LiteralPath $To -Filter "$name.*.old" | Remove-Item -Force -ErrorAction SilentlyContinue
    }
}

# Changes the user's PATH. Entries such as %USERPROFILE%\bin stay as they are.
function Set-UserPath([scriptblock]$Change) {
    $key = [Microsoft.Win32.Registry]::CurrentUser.OpenSubKey('Environment', $true)
    try {
        $path = [string]$key.GetValue('Path', '', 'DoNotExpandEnvironmentNames')
        $before = @($path -split ';' | Where-Object { $_ })
        $after = @(& $Change $before)
        if (($after -join ';') -eq ($before -join ';')) { return }
        $key.SetValue('Path', ($after -join ';'), 'ExpandString')
    } finally {
        $key.Close()
    }
    # Tells running programs, such as Explorer, that the environment has changed.
    [Environment]::SetEnvironmentVariable('zoho_cred_install', '1', 'User')
    [Environment]::SetEnvironmentVariable('zoho_cred_install', [NullString]::Value, 'User')
    Write-Note 'changed PATH; open a new window to use it'
}

if ($Uninstall) {
    if (-not (Test-Path -LiteralPath (Join-Path $To 'zoho-cred.exe'))) {
        Write-Note "zoho-cred is not installed in $To"
        return
    }
    Remove-Old
    foreach ($name in @($programs.Keys) + $completions) {
        $file = Join-Path $To $name
        if (Test-Path -LiteralPath $file) { Remove-Item -LiteralPath $file -Force }
    }
    if (-not (Get-ChildItem -LiteralPath $To -Force)) { Remove-Item -LiteralPath $To }
    if (-not $NoPath) { Set-UserPath { param($entries) $entries | Where-Object { $_ -ne $To } } }
    Write-Note "removed zoho-cred from $To"
    Write-Note 'profiles, credentials and cached tokens were kept; to revoke a credential, run zoho-cred logout PROFILE before uninstalling'
    return
}

$work = Join-Path ([IO.Path]::GetTempPath()) "zoho-cred-$([guid]::NewGuid().ToString('N'))"
New-Item -ItemType Directory -Path $work | Out-Null
try {
    $source = if ($Release) { Get-Release $Release $work } else { (Resolve-Path -LiteralPath $From).ProviderPath }
    if ($source -like '*.zip') {
        Expand-Archive -LiteralPath $source -DestinationPath (Join-Path $work 'programs')
        $found = @(Get-ChildItem -LiteralPath (Join-Path $work 'programs') -Recurse -Filter 'zoho-cred.exe')
        if ($found) { $source = $found[0].DirectoryName }
    }
    if (-not (Test-Path -LiteralPath (Join-Path $source 'zoho-cred.exe'))) { throw "there is no zoho-cred.exe in $source" }
    New-Item -ItemType Directory -Path $To -Force | Out-Null
    foreach ($name in $programs.Keys) {
        $file = Join-Path $source $programs[$name]
        if (Test-Path -LiteralPath $file) { Install-Program $file (Join-Path $To $name) }
    }
    Remove-Old
} finally {
    Remove-Item -LiteralPath $work -Recurse -Force
}
Write-Note "installed into ${To}: $(($programs.Keys | Sort-Object) -join ' ')"
& (Join-Path $To 'zoho-cred.exe') completions powershell | Set-Content -Encoding UTF8 -LiteralPath (Join-Path $To $completions)
Write-Note 'for completions, add this line to the file that $PROFILE names:'
Write-Note "  . '$(Join-Path $To $completions)'"
if (-not $NoPath) { Set-UserPath { param($entries) if ($entries -contains $To) { $entries } else { @($entries) + $To } } }
