/* Prints its arguments and the variables of `exec` as lines of UTF-8, and ends with code 300. */
#include <stdio.h>
#include <wchar.h>
#include <windows.h>

static void print(const wchar_t *text) {
    char bytes[4096];
    WideCharToMultiByte(CP_UTF8, 0, text, -1, bytes, sizeof bytes, NULL, NULL);
    puts(bytes);
}

int wmain(int count, wchar_t **args) {
    for (int i = 1; i < count; i++) print(args[i]);
    print(_wgetenv(L"ZOHO_ACCESS_TOKEN") ? _wgetenv(L"ZOHO_ACCESS_TOKEN") : L"no token");
    print(_wgetenv(L"ZOHO_REFRESH_TOKEN") ? L"a refresh token" : L"no refresh token");
    return 300;
}
