from allauth.account.models import EmailAddress
from django import forms
from django.contrib import admin
from django.db.models import Exists, OuterRef, QuerySet
from django.http import HttpRequest
from django.utils.safestring import SafeString

from greenroom.accounts import services
from greenroom.accounts.models import DiscordIdentity, User
from greenroom.core import clock
from greenroom.core.actors import Actor, ActorKind
from greenroom.core.admin import ReadOnlyAdmin, badge
from greenroom.core.http import client_address

admin.site.unregister(EmailAddress)  # an address is changed on its person, so that no former one stays a key


class PersonForm(forms.ModelForm):
    class Meta:
        model = User
        fields = ("email", "name", "time_zone", "is_active", "is_staff", "is_superuser", "groups")

    def clean_email(self) -> str:
        email: str = self.cleaned_data["email"]
        return email.strip().lower()


@admin.register(User)
class UserAdmin(admin.ModelAdmin):
    form = PersonForm
    list_display = ("email", "name", "claimed", "time_zone", "is_staff", "is_active", "joined_at")
    list_filter = ("is_staff", "is_active")
    search_fields = ("email", "name")
    ordering = ("-joined_at",)
    filter_horizontal = ("groups",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[User]:
        verified = EmailAddress.objects.filter(user=OuterRef("pk"), verified=True)
        people: QuerySet[User] = super().get_queryset(request)
        return people.annotate(is_claimed=Exists(verified))

    @admin.display(description="Account", ordering="is_claimed")
    def claimed(self, user: User) -> SafeString:
        return badge("claimed" if getattr(user, "is_claimed", False) else "by_booking_only")

    def save_model(self, request: HttpRequest, obj: User, form: PersonForm, change: bool) -> None:
        if not change:
            obj.set_unusable_password()
        elif "email" in form.changed_data:
            actor = Actor(ActorKind.ADMIN, request.user.pk, client_address(request))
            new, obj.email = obj.email, form.initial["email"]
            services.change_email(user=obj, email=new, actor=actor, now=clock.now())
        super().save_model(request, obj, form, change)

    def has_delete_permission(self, _request: HttpRequest, _obj: object = None) -> bool:
        return False


@admin.register(DiscordIdentity)
class DiscordIdentityAdmin(ReadOnlyAdmin):
    list_display = ("username", "discord_user_id", "user", "scopes", "linked_at")
    list_select_related = ("user",)
    search_fields = ("username", "discord_user_id", "user__email")
    ordering = ("-linked_at",)
    fields = ("username", "discord_user_id", "user", "scopes", "token_expires_at", "linked_at")  # never a token
